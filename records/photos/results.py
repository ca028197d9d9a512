"""A hidden list in each folder of the images that these programs wrote there.

Every program that writes an image adds it to the list of its folder, and every listing of images
skips what is on it: no program takes its own output for a photograph or a clean image.
`deblock-restore` also writes down what a result was made of, to know when it is finished.

The list has a JSON object a line, and lines are only appended: an interrupted write spoils no other
line, and several processes may write at once. Later lines of a name add to earlier ones.
"""

from collections.abc import Mapping
import contextlib
import json
import os
import pathlib
from typing import Any

from deblock.records import json_text, paths, regular_file

NAME = ".deblock-results"
_MOST_BYTES = 2**28  # Half a million results.


def add(path: str | os.PathLike, **facts: Any) -> None:
  """Appends an image to the list of its folder.

  Args:
    path: of the image, in a local folder.
    **facts: what else to write down; JSON must hold it.
  Raises:
    OSError: if the list cannot be written.
  """
  path = pathlib.Path(path)
  # The line break comes first, so that the rest of an interrupted line stays a line of its own.
  line = b"\n" + json.dumps({"name": path.name, **facts}).encode("ascii")
  handle = os.open(path.with_name(NAME), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
  try:
    if os.write(handle, line) != len(line):
      raise OSError(f"{path.with_name(NAME)} cannot be written: the disk is full")
  finally:
    os.close(handle)


def mark(path: str | os.PathLike) -> None:
  """Adds an image to the list of its folder unless it is there; no facts, and no error.

  Remote folders get no list. Nor is a folder that takes the image but not the list a reason to
  fail.
  """
  if paths.is_remote(os.fspath(path)):
    return
  path = pathlib.Path(path)
  with contextlib.suppress(OSError):
    if path.name not in load(path.parent):
      add(path)


def load(folder: str | os.PathLike) -> Mapping[str, list[dict[str, Any]]]:
  """Returns the facts of each image on a folder's list, oldest first; {} where there is no list."""
  try:
    text = regular_file.read(pathlib.Path(folder, NAME), _MOST_BYTES).decode("utf-8", "replace")
  except (FileNotFoundError, NotADirectoryError):
    return {}
  return parse(text)


def parse(text: str) -> Mapping[str, list[dict[str, Any]]]:
  """Returns what `load` returns, from the text of a list; damaged lines are skipped."""
  found: dict[str, list[dict[str, Any]]] = {}
  for line in text.splitlines():
    try:
      facts = json_text.parse(line, NAME)
      found.setdefault(facts.pop("name"), []).append(facts)
    except (ValueError, TypeError, KeyError, AttributeError):
      continue
  return found
