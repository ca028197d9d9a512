"""A run's weights as the pretrained ones are: arrays with a checksum, and the same in ONNX."""

import hashlib
import json
import pathlib
from typing import Any

import numpy as np

from deblock.launch.portable import exported_network, exported_step
from deblock.launch.portable import settings as settings_lib
from deblock.launch.restoring import choices
from deblock.launch.run_folder import run_file, saved_weights
from deblock.model import pretrained, pretrained_files
from deblock.model.networks import config as model_config
from deblock.model.networks import registry
from deblock.records import typed_values
from deblock.records.layout import files, new_file, own_files


def export(settings: settings_lib.WeightsConfig) -> int:
  """Writes a run's weights and returns the number of steps they were trained for.

  The run may also be one of `run_exported`, on an accelerator: its averages are written.
  The ONNX file is made from the arrays as they were written, float16: both hold the same weights.

  Raises:
    FileNotFoundError: if there is no run or no checkpoint.
    ValueError: if the run's network has settings that the file does not keep, or a weight is not
      finite in float16.
  """
  accelerated = pathlib.Path(settings.logdir)
  if (accelerated / exported_step.AVERAGES).exists():
    return _export_accelerated(accelerated, settings)
  model = run_file.load(settings.logdir).model
  kept = model_config.ModelConfig(model=model.model, width=model.width)
  if model != kept:
    raise ValueError(
      f"{settings.logdir} holds {model}: exported weights keep only model and width."
    )
  network = registry.build(model)
  which = settings.checkpoint or saved_weights.LATEST
  step = saved_weights.load(settings.logdir, network, which, settings.weights)
  arrays = {variable.path: variable.numpy() for variable in network.weights}
  _write(settings, arrays, model)
  return step


def _export_accelerated(folder, settings):
  """Writes the averages of a run of `run_exported`, and returns its number of steps."""
  path = folder / exported_step.LAYOUT
  facts = files.read_json(dict[str, Any], path)
  model = typed_values.build(model_config.ModelConfig, facts.get("model"), f"{path}: model")
  averages = folder / exported_step.AVERAGES
  arrays = pretrained.arrays(averages.read_bytes(), registry.build(model), averages)
  with np.load(folder / exported_step.STATE, allow_pickle=False) as state:
    step = int(state["number"])
  _write(settings, arrays, model)
  return step


def _write(settings, arrays, model):
  """Writes the arrays, and ONNX of the network that they are read into again."""
  folder = pathlib.Path(settings.output)
  path = folder / f"{settings.name}{choices.NETWORK_SUFFIX}"
  own_files.check(path)
  save(settings.name, arrays, model, folder)
  network, entry = pretrained.load(settings.name, folder)
  facts = exported_network.pretrained_facts(settings.name, folder)
  exported_network.write(network, entry, path, settings_lib.ONNX, facts)


def save(name: str, arrays, model: model_config.ModelConfig, folder: pathlib.Path) -> None:
  """Writes weights as float16, then their entry in the manifest.

  Args:
    name: of the weights.
    arrays: the network's weights by their paths, as `run_exported` writes them.
    model: name and width of the network.
    folder: to write to; other entries of its manifest stay.
  Raises:
    FileExistsError: if a file of that name is there which the manifest does not list.
    ValueError: if a weight is not finite in float16.
  """
  with np.errstate(over="ignore"):  # NumPy warns of the overflow that is refused below.
    halves = {path: np.asarray(array).astype(np.float16) for path, array in arrays.items()}
  for path, array in halves.items():
    if not np.isfinite(array).all():
      raise ValueError(f"{path} of {name} is not finite in float16.")
  folder.mkdir(parents=True, exist_ok=True)
  path = folder / f"{name}.npz"
  manifest = (
    pretrained_files.manifest(folder) if (folder / pretrained_files.MANIFEST).exists() else {}
  )
  if path.exists() and name not in manifest:
    raise FileExistsError(
      f"{path} is there and {pretrained_files.MANIFEST} does not list it: choose another name."
    )
  with new_file.writing(path) as stream:
    np.savez_compressed(stream, allow_pickle=False, **halves)
  facts = {
    "file": path.name,
    "model": model.model,
    "width": model.width,
    "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
  }
  text = json.dumps({**manifest, name: facts}, indent=1, sort_keys=True) + "\n"
  files.write_text(folder / pretrained_files.MANIFEST, text)
