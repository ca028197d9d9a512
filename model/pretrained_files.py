"""The pretrained weights that come with the package: their names and files, without TensorFlow."""

import difflib
import json
import pathlib
from typing import Any

FOLDER = pathlib.Path(__file__).parent / "weights"
MANIFEST = "weights.json"


def manifest(folder: pathlib.Path = FOLDER) -> dict[str, dict[str, Any]]:
  """Returns what is known of each of a folder's weights, by name."""
  return json.loads((folder / MANIFEST).read_text())


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
