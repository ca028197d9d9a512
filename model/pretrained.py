"""The pretrained weights of the package: arrays with a checksum, never code."""

import hashlib
import io
import json
import pathlib
import zipfile

import keras
import numpy as np

from deblock.model import pretrained_files
from deblock.model.networks import config, registry


def load(
  name: str, folder: pathlib.Path = pretrained_files.FOLDER
) -> tuple[keras.Model, registry.Entry]:
  """Returns a network with pretrained weights, in float32, and its registry entry.

  Args:
    name: of the weights.
    folder: that holds them and their manifest.
  Raises:
    ValueError: if there are none of that name, or the file is damaged, changed, or holds weights of
      another network.
  """
  manifest = pretrained_files.manifest(folder)
  facts = manifest[pretrained_files.check_name(name, tuple(sorted(manifest)))]
  entry = registry.get(facts["model"])
  network = registry.build(config.ModelConfig(model=facts["model"], width=facts["width"]))
  path = folder / facts["file"]
  _assign(network, _arrays(path, facts["sha256"]), path)
  return network, entry


def save(name: str, arrays, model_config: config.ModelConfig, folder: pathlib.Path) -> None:
  """Writes weights as float16, then their entry in the manifest.

  Args:
    name: of the weights.
    arrays: the network's weights by their paths, as `run_exported` writes them.
    model_config: name and width of the network.
    folder: to write to; other entries of its manifest stay.
  Raises:
    ValueError: if a weight is not finite in float16.
  """
  with np.errstate(over="ignore"):  # NumPy warns of the overflow that is refused below.
    halves = {path: np.asarray(array).astype(np.float16) for path, array in arrays.items()}
  for path, array in halves.items():
    if not np.isfinite(array).all():
      raise ValueError(f"{path} of {name} is not finite in float16.")
  folder.mkdir(parents=True, exist_ok=True)
  path = folder / f"{name}.npz"
  temporary = folder / f"{name}.tmp.npz"
  np.savez_compressed(temporary, allow_pickle=False, **halves)
  temporary.replace(path)
  facts = {
    "file": path.name,
    "model": model_config.model,
    "width": model_config.width,
    "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
  }
  manifest = (
    pretrained_files.manifest(folder) if (folder / pretrained_files.MANIFEST).exists() else {}
  )
  temporary = folder / f"{pretrained_files.MANIFEST}.tmp"
  temporary.write_text(json.dumps({**manifest, name: facts}, indent=1, sort_keys=True) + "\n")
  temporary.replace(folder / pretrained_files.MANIFEST)


def _arrays(path, sha256):
  """Returns the arrays of a file by name, after checking its bytes."""
  content = path.read_bytes()
  found = hashlib.sha256(content).hexdigest()
  if found != sha256:
    raise ValueError(f"{path} was changed or damaged: its SHA-256 is {found}, expected {sha256}.")
  try:
    # Reads the bytes that were checked, since the file may change meanwhile.
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
      return {name: stored[name].astype(np.float32) for name in stored.files}
  except (zipfile.BadZipFile, ValueError, OSError) as error:
    raise ValueError(f"{path} does not hold arrays: {error}.") from error


def _assign(network, arrays, path):
  shapes = {variable.path: tuple(variable.shape) for variable in network.weights}
  found = {name: array.shape for name, array in arrays.items()}
  if shapes != found:
    differing = sorted(set(shapes.items()) ^ set(found.items()))
    raise ValueError(
      f"{path} holds weights of another network than {network.name}: {differing[0][0]} differs, "
      f"one of {len(differing)}."
    )
  for variable in network.weights:
    variable.assign(arrays[variable.path])
