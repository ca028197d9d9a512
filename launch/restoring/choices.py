"""What restoring can be asked for, checked without NumPy, so that mistakes are answered at once."""

import pathlib

from deblock.model import pretrained_files

AUTO, CPU, CUDA = DEVICES = ("auto", "cpu", "cuda")
NETWORK_SUFFIX = ".onnx"  # Of the files of exported networks.


def is_path(model: str) -> bool:
  """Returns whether a model is named by the path of its file."""
  return model.endswith(NETWORK_SUFFIX)


def path_of(model: str) -> str | pathlib.Path:
  """Returns the path of the file of a network, given by that path or by its name."""
  return model if is_path(model) else pretrained_files.network_path(model)


def check_model(model: str) -> str:
  """Returns a model's name or path after checking the name.

  Raises:
    ValueError: if it is neither a name of pretrained weights nor a path that ends with .onnx.
  """
  return model if is_path(model) else pretrained_files.check_name(model, others=" or FILE.onnx")


def check_device(device: str) -> str:
  """Returns the device after checking it.

  Raises:
    ValueError: if there is none of that name.
  """
  if device not in DEVICES:
    raise ValueError(f"device must be one of {', '.join(DEVICES)}, got {device!r}.")
  return device


def check_strength(strength: float) -> float:
  """Returns the strength after checking it.

  Raises:
    ValueError: if it is not in [0, 1].
  """
  if not 0.0 <= strength <= 1.0:
    raise ValueError(f"strength must be in [0, 1], got {strength}.")
  return strength
