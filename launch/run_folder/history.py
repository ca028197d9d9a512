"""The figures that a run has logged, in a file that outlives it.

`metrics.jsonl` holds a line of JSON for each time that something was logged:
{"step": 50, "train/loss": 0.03, "train/gain_db": 0.2}. Lines of another series than the run's own,
such as that of averaged weights, name it: {"step": 500, "series": "averaged", ...}. A run that is
over or was stopped says so in the last line: {"step": 2000, "state": "finished"}. What is not
finite is null.
"""

from collections.abc import Iterable, Mapping
import json
import math
import pathlib
from typing import NamedTuple

from deblock.records.layout import files

FILE = "metrics.jsonl"
MAIN = ""  # The series of the weights that are trained.
AVERAGED = "averaged"  # Of their averages, where a run keeps them.
JPEG = "jpeg"  # That of the JPEGs themselves, to compare with.
# Figures that two runs of the same settings do not share.
CLOCKED = ("train/images_per_second", "train/minutes", "train/waiting_share")
FINISHED, STOPPED = "finished", "stopped"


class Entry(NamedTuple):
  """What was logged at once.

  Attributes:
    step: of the run.
    series: which weights it speaks of; empty for those that are trained.
    values: figures by name; NaN for what was not finite.
    state: how the run ended, where it did; else empty.
    reason: why it was stopped, where that is known; else empty.
  """

  step: int
  series: str
  values: Mapping[str, float]
  state: str = ""
  reason: str = ""


class History:
  """What a run has logged so far, which grows.

  Args:
    logdir: folder of the run.
    first_step: that the run goes on from. What an earlier process logged beyond it, before it was
      killed, will be logged again and is forgotten.
  Raises:
    ValueError: if the file is damaged.
  """

  def __init__(self, logdir: str, first_step: int = 0):
    path = pathlib.Path(logdir) / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    found = read(logdir)
    self.entries = [entry for entry in found if entry.step <= first_step and not entry.state]
    if path.exists():
      files.write_text(path, "".join(_line(entry) for entry in self.entries))
    self._stream = path.open("a", encoding="utf-8")

  def append(self, entry: Entry) -> None:
    """Adds an entry, and writes it down at once."""
    self.entries.append(entry)
    self._stream.write(_line(entry))
    self._stream.flush()

  def close(self) -> None:
    """Closes the file."""
    self._stream.close()


def read(logdir: str) -> list[Entry]:
  """Returns what a run has logged; nothing if it has no such file.

  Raises:
    ValueError: naming the line that is damaged. The last one may be cut off, as a kill leaves it,
      and is then left out.
  """
  path = pathlib.Path(logdir) / FILE
  if not path.exists():
    return []
  entries = []
  lines = path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
  for number, line in enumerate(lines, 1):
    try:
      entries.append(_entry(line))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
      if number == len(lines) and not line.endswith("\n"):
        break
      raise ValueError(f"{path} is damaged in line {number}: {line.strip()[:60]!r}.") from error
  return entries


def curves(entries: Iterable[Entry], series: str = MAIN) -> dict[str, list[tuple[int, float]]]:
  """Returns (step, value) pairs by name of figure, without those that are not finite."""
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


def _entry(line):
  found = json.loads(line)
  words = [str(found.pop(name, "")) for name in ("series", "state", "reason")]
  step = int(found.pop("step"))
  values = {name: math.nan if value is None else float(value) for name, value in found.items()}
  return Entry(step, words[0], values, *words[1:])
