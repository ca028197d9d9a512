"""A run's weights in the form of the pretrained weights: arrays with a checksum."""

import json
import pathlib

import numpy as np

from deblock.launch.portable import exported_step
from deblock.launch.portable import settings as settings_lib
from deblock.launch.run_folder import run_file, saved_weights
from deblock.model import pretrained
from deblock.model.networks import config as model_config
from deblock.model.networks import registry


def export(settings: settings_lib.WeightsConfig) -> int:
  """Writes a run's weights and returns the number of steps they were trained for.

  The run may also be one of `run_exported`, on an accelerator: its averages are written.

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
  pretrained.save(settings.name, arrays, model, pathlib.Path(settings.output))
  return step


def _export_accelerated(folder, settings):
  """Writes the averages of a run of `run_exported`, and returns its number of steps."""
  facts = json.loads((folder / exported_step.LAYOUT).read_text())
  with np.load(folder / exported_step.AVERAGES, allow_pickle=False) as averages:
    arrays = {name: averages[name] for name in averages.files}
  with np.load(folder / exported_step.STATE, allow_pickle=False) as state:
    step = int(state["number"])
  model = model_config.ModelConfig(**facts["model"])
  pretrained.save(settings.name, arrays, model, pathlib.Path(settings.output))
  return step
