"""The pretrained weights that come with the package: their names and files, without TensorFlow."""

import difflib
import pathlib
from typing import Annotated, Any, NamedTuple

from deblock.records import json_text, typed_values

FOLDER = pathlib.Path(__file__).parent / "weights"
MANIFEST = "weights.json"


class _Facts(NamedTuple):
  """What is known of weights."""

  file: typed_values.BaseName
  model: str
  width: Annotated[int, typed_values.within(0, 2**16)]
  sha256: str
  trained_on: str = ""


def manifest(folder: pathlib.Path = FOLDER) -> dict[str, dict[str, Any]]:
  """Returns what is known of each of a folder's weights, by name.

  Raises:
    FileNotFoundError: if there is no such file.
    ValueError: if it cannot be read, or says something else of the weights.
  """
  path = folder / MANIFEST
  found = json_text.parse(path.read_bytes(), str(path))
  typed_values.build(dict[str, _Facts], found, str(path))
  return found


def names() -> tuple[str, ...]:
  """Returns the names of all pretrained weights, sorted."""
  return tuple(sorted(manifest()))


def check_name(name: str, known: tuple[str, ...] = (), others: str = "") -> str:
  """Returns the name of pretrained weights after checking it.

  Args:
    name: to check.
    known: names to choose from; empty for those of all pretrained weights.
    others: what else is accepted, for the message, such as " or FILE.onnx".
  Raises:
    ValueError: if there are none of that name; the message proposes the nearest one.
  """
  known = known or names()
  if name not in known:
    near = difflib.get_close_matches(name, known, 1)
    proposal = f" Did you mean {near[0]}?" if near else ""
    raise ValueError(f"model must be one of {', '.join(known)}{others}, got {name!r}.{proposal}")
  return name


def network_path(name: str) -> pathlib.Path:
  """Returns the path of the exported network of pretrained weights."""
  return FOLDER / f"{name}.onnx"
