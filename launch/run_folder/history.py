"""The figures that a run has logged, in a file.

`metrics.jsonl` holds a line of JSON for each entry:
{"step": 50, "train/loss": 0.03, "train/gain_db": 0.2}. Entries of other series, such as averaged
weights, name it: {"step": 500, "series": "averaged", ...}. The last line of a run that ended has
its state: {"step": 2000, "state": "finished"}. Values that are not finite are null.
"""

from collections.abc import Iterable, Mapping
import json
import math
import pathlib
from typing import Annotated, Any, NamedTuple

from deblock.records import typed_values
from deblock.records.layout import files

FILE = "metrics.jsonl"
_MOST_BYTES = 2**28  # A million lines; a run of ours writes a few thousand.
MAIN = ""  # The series of the weights that are trained.
AVERAGED = "averaged"  # Of their averages, where a run keeps them.
JPEG = "jpeg"  # The JPEGs themselves, to compare with.
# Figures that differ between two runs of the same settings.
CLOCKED = ("train/crops_per_second", "train/minutes", "train/waiting_share")
FINISHED, STOPPED = "finished", "stopped"  # States of a run that ended.


class Entry(NamedTuple):
  """Figures that were logged together.

  Attributes:
    step: of the run.
    series: of the weights; MAIN for those that are trained.
    values: figures by name; NaN if not finite.
    state: FINISHED or STOPPED in the last entry of a run; else empty.
    reason: why the run was stopped, if known; else empty.
  """

  step: int
  series: str
  values: Mapping[str, float]
  state: str = ""
  reason: str = ""


class _Said(NamedTuple):
  """What a line holds beside figures."""

  step: typed_values.Count
  series: str = MAIN
  state: Annotated[str, typed_values.one_of("", FINISHED, STOPPED)] = ""
  reason: str = ""


class History:
  """The entries of a run so far; more can be added.

  Args:
    logdir: folder of the run.
    first_step: from which the run starts or resumes. Later entries, of a process that was killed,
      are removed: they will be logged again.
  Raises:
    ValueError: if the file is damaged.
  """

  def __init__(self, logdir: str, first_step: int = 0):
    path = pathlib.Path(logdir) / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    found = read(logdir)
    self.entries = [entry for entry in found if entry.step <= first_step and not entry.state]
    # Also where there is none: a link to nothing would be written through below.
    files.write_text(path, "".join(_line(entry) for entry in self.entries))
    self._stream = path.open("a", encoding="utf-8")

  def append(self, entry: Entry) -> None:
    """Adds an entry and writes it at once."""
    self.entries.append(entry)
    self._stream.write(_line(entry))
    self._stream.flush()

  def close(self) -> None:
    """Closes the file."""
    self._stream.close()


def read(logdir: str) -> list[Entry]:
  """Returns the entries of a run; none if it has no such file.

  A last line that is cut off, by a kill, is skipped.

  Raises:
    ValueError: if another line is damaged; names it.
  """
  path = pathlib.Path(logdir) / FILE
  if not path.exists():
    return []
  entries = []
  lines = files.read_bytes(path, _MOST_BYTES).splitlines(keepends=True)
  for number, line in enumerate(lines, 1):
    try:
      entries.append(_entry(line, f"{path}, line {number}"))
    except ValueError:
      if number == len(lines) and not line.endswith(b"\n"):
        break
      raise
  return entries


def curves(entries: Iterable[Entry], series: str = MAIN) -> dict[str, list[tuple[int, float]]]:
  """Returns (step, value) pairs by name of figure, without values that are not finite."""
  found: dict[str, list[tuple[int, float]]] = {}
  for entry in entries:
    if entry.series == series:
      for name, value in entry.values.items():
        if math.isfinite(value):
          found.setdefault(name, []).append((entry.step, value))
  return found


def _line(entry):
  values = {name: value if math.isfinite(value) else None for name, value in entry.values.items()}
  words = {name: getattr(entry, name) for name in ("series", "state", "reason")}
  named = {name: word for name, word in words.items() if word}
  return json.dumps({"step": entry.step, **named, **values}, allow_nan=False) + "\n"


def _entry(line, name):
  found = typed_values.parse(dict[str, Any], line, name)
  said = {key: found.pop(key) for key in _Said._fields if key in found}
  step, series, state, reason = typed_values.build(_Said, said, name)
  figures = typed_values.build(dict[str, float | None], found, name)
  values = {key: math.nan if value is None else value for key, value in figures.items()}
  return Entry(step, series, values, state, reason)
