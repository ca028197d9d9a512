"""A hidden list in each folder of the files that these programs wrote there.

Every program that writes an image, report or table adds it to the list of its folder. Every listing
of images skips what is on it: no program takes its own output for a photograph or a clean image.
No other file is ever replaced, see `layout.own_files`.
`deblock-restore` also writes down what a result was made of, to know when it is finished.

The list has a JSON object a line, and lines are only appended: an interrupted write spoils no other
line, and several processes may write at once. Later lines of a name add to earlier ones.
"""

from collections.abc import Mapping
import contextlib
import functools
import json
import os
import pathlib
from typing import Any

from deblock.records import json_text, paths, regular_file

NAME = ".deblock-results"
_MOST_BYTES = 2**28  # Half a million results.
_MOST_LISTS = 8
# No link is followed, which could lead anywhere, and no reader of a pipe is waited for.
_CAREFUL = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


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
  flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | _CAREFUL
  handle = os.open(path.with_name(NAME), flags, 0o666)
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
  """Returns the facts of each image on a folder's list, oldest first; {} where there is no list.

  Of a list that was loaded before only its new lines are read: a large folder is asked before each
  of its images. The mapping then grows.

  Raises:
    OSError: if the list cannot be read.
  """
  path = os.path.abspath(pathlib.Path(folder, NAME))  # noqa: PTH100, links stay links
  try:
    stream = regular_file.open_to_read(path)
  except (FileNotFoundError, NotADirectoryError):
    return {}
  with stream:
    status = os.fstat(stream.fileno())
    if status.st_size > _MOST_BYTES:
      raise regular_file.TooLargeError(path, status.st_size, _MOST_BYTES)
    known = _known(path, status.st_dev, status.st_ino)
    if status.st_size < known.end:
      known.end = 0
      known.found.clear()
    stream.seek(known.end)
    while line := stream.readline(json_text.MOST_BYTES):
      if _read_line(line, known.found):
        known.end = stream.tell()
    return known.found


def parse(text: str) -> Mapping[str, list[dict[str, Any]]]:
  """Returns what `load` returns, from the text of a list; damaged lines are skipped."""
  found: dict[str, list[dict[str, Any]]] = {}
  for line in text.splitlines():
    _read_line(line, found)
  return found


class _Known:
  """What was read of a list: up to which byte, and the facts."""

  def __init__(self):
    self.end = 0
    self.found: dict[str, list[dict[str, Any]]] = {}


@functools.lru_cache(maxsize=_MOST_LISTS)
def _known(path, device, number):
  """Returns what is known of one list, at first nothing."""
  del path, device, number
  return _Known()


def _read_line(line, found):
  """Adds a line's facts, and returns whether it has some."""
  try:
    facts = json_text.parse(line, NAME)
    found.setdefault(facts.pop("name"), []).append(facts)
  except (ValueError, TypeError, KeyError, AttributeError):
    return False
  return True
