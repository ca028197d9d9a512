"""The pretrained weights of the package: arrays with a checksum, never code."""

import hashlib
import io
import pathlib
import zipfile
import zlib

import keras
import numpy as np

from deblock.model import pretrained_files
from deblock.model.networks import config, registry

_MOST_BYTES = 2**30
_SUFFIX = ".npy"
_HEADERS = {
  (1, 0): np.lib.format.read_array_header_1_0,
  (2, 0): np.lib.format.read_array_header_2_0,
}


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
  stored = arrays(_checked(path, facts["sha256"]), network, path)
  for variable in network.weights:
    variable.assign(stored[variable.path])
  return network, entry


class _MismatchError(ValueError):
  """A file holds weights of another network."""


def arrays(content: bytes, network: keras.Model, path: pathlib.Path) -> dict[str, np.ndarray]:
  """Returns a network's weights by their paths, after checking every array's header.

  Args:
    content: of an .npz file.
    network: the weights are for.
    path: of the file, for messages.
  Raises:
    ValueError: if it holds something else, or weights of another network.
  """
  try:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
      _check_shapes(archive, network, path)
      return {
        name.removesuffix(_SUFFIX): _read(archive, name, np.lib.format.read_array)
        for name in archive.namelist()
      }
  except _MismatchError:
    raise
  except (zipfile.BadZipFile, zlib.error, ValueError, EOFError, OSError, RuntimeError) as error:
    raise ValueError(f"{path} does not hold arrays: {error}.") from error


def _checked(path, sha256):
  """Returns the bytes of a file, which may change after they were checked."""
  if path.stat().st_size > _MOST_BYTES:
    raise ValueError(f"{path} is too large: at most {_MOST_BYTES} bytes are read.")
  content = path.read_bytes()
  found = hashlib.sha256(content).hexdigest()
  if found != sha256:
    raise ValueError(f"{path} was changed or damaged: its SHA-256 is {found}, expected {sha256}.")
  return content


def _check_shapes(archive, network, path):
  """Checks the headers of all arrays before any is made: 1 MB can hold the zeros of 1 GB."""
  shapes = [(variable.path, tuple(variable.shape)) for variable in network.weights]
  found = []
  for name in archive.namelist():
    shape, dtype = _read(archive, name, _header)
    if dtype.kind != "f":
      raise ValueError(f"{name!r} holds values of type {dtype}, not numbers")
    found.append((name.removesuffix(_SUFFIX), shape))
  if sorted(shapes) != sorted(found):
    differing = sorted(set(shapes) ^ set(found)) or found
    raise _MismatchError(
      f"{path} holds weights of another network than {network.name}: {differing[0][0]} differs, "
      f"one of {len(differing)}."
    )


def _read(archive, name, read):
  with archive.open(name) as stream:
    return read(stream)


def _header(stream):
  """Returns shape and type of the array in a .npy file."""
  version = np.lib.format.read_magic(stream)
  if version not in _HEADERS:
    raise ValueError(f"format {version} of .npy is not known")
  shape, _, dtype = _HEADERS[version](stream)
  return shape, dtype
