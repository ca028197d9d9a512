"""A table of the runs below a folder: progress, settings that differ, best gain."""

from collections.abc import Sequence
import csv
import dataclasses
import io
import math
import pathlib
import time
from typing import NamedTuple

from deblock.launch.run_folder import checkpoint_folder, history, run_file
from deblock.launch.settings import train as train_settings
from deblock.records import harmless, option

FORMATS = ("text", "csv", "markdown")
RUNNING_SECONDS = 600.0  # A run with an entry younger than this may still be running.
_MEAN = "eval/gain_db/mean"
# Settings that have a column of their own, and settings that change no figure.
_LEFT_OUT = frozenset(
  {
    "logdir",
    "max_steps",
    "data_service",
    "checkpoint_every_steps",
    "log_every_steps",
    "evaluate_every_steps",
    "profile_steps",
  }
)
_LONGEST_NOTE = 100


@dataclasses.dataclass(frozen=True)
class RunsConfig:
  """The form of the table."""

  format: str = option.field("text", f"of the table: {', '.join(FORMATS)}")
  text: bool = option.field(
    False, "print a few lines and curves of each run instead, as a screen without a browser shows"
  )

  def __post_init__(self):
    """Raises ValueError where a field is out of range."""
    if self.format not in FORMATS:
      raise ValueError(f"format must be one of {', '.join(FORMATS)}, got {self.format!r}.")


class HighestGain(NamedTuple):
  """The evaluation with the highest mean gain.

  Attributes:
    gain_db: mean over qualities, in decibels.
    step: of the evaluation.
    series: of the weights; empty for those that are trained.
    gains_db: by name of quality, such as "q10".
  """

  gain_db: float
  step: int
  series: str
  gains_db: dict[str, float]


class Run(NamedTuple):
  """One run.

  Attributes:
    name: path of its folder, below the one that was searched.
    state: finished, stopped, "running?" or damaged.
    step: steps taken in all.
    max_steps: steps of the whole run.
    minutes: trained in all.
    settings: by name.
    best: None without an evaluation.
    note: why it was stopped, or what is damaged.
  """

  name: str
  state: str
  step: int = 0
  max_steps: int = 0
  minutes: float = 0.0
  settings: dict[str, object] = {}  # noqa: RUF012 - never changed.
  best: HighestGain | None = None
  note: str = ""


def find(folder: str, now: float | None = None) -> list[Run]:
  """Returns the runs in a folder and below it, those with the highest gains first.

  Args:
    folder: to search; it may be a run itself.
    now: the time, in seconds since 1970; None reads the clock.
  Raises:
    FileNotFoundError: if there is no such folder, or no run.
  """
  root = pathlib.Path(folder)
  if not root.is_dir():
    raise FileNotFoundError(f"{folder} is not a folder: name one that holds runs.")
  now = time.time() if now is None else now
  paths = sorted(root.rglob(run_file.FILE))
  if not paths:
    raise FileNotFoundError(f"{folder} holds no run: no folder below it has a {run_file.FILE}.")
  runs = []
  for path in paths:
    name = path.parent.relative_to(root).as_posix()
    # A run in the folder itself has that folder's name.
    name = root.resolve().name if name == "." else name
    try:
      runs.append(_read(name, path.parent, now))
    except (ValueError, OSError) as error:
      # Its name stands beside the note already.
      note = str(error).replace(f"{path.parent}/", "")
      runs.append(Run(name, "damaged", note=note))
  return sorted(runs, key=_order)


def table(runs: Sequence[Run], style: str = "text") -> str:
  """Returns the runs as a table, with the settings in which they differ.

  Args:
    runs: at least one.
    style: one of FORMATS.
  """
  differing = _differing(runs)
  qualities = sorted(
    {name for run in runs if run.best for name in run.best.gains_db},
    key=lambda name: (len(name), name),
  )
  header = ["run", "state", "step", "of", "minutes", *differing, "held-out gain dB", "at step"]
  # With a single quality, its gain is the mean.
  shown = qualities if len(qualities) > 1 else []
  rows = [[*header, *shown]]
  for run in runs:
    gains = run.best.gains_db if run.best else {}
    rows.append(
      [
        run.name,
        run.state,
        *(_progress(run) if run.settings else ("", "", "")),
        *(_value(run.settings[name]) if name in run.settings else "" for name in differing),
        *(_found(run.best) if run.best else ("", "")),
        *(f"{gains[name]:+.3f}" if name in gains else "" for name in shown),
      ]
    )
  notes = [run.note.split("\n")[0] for run in runs]
  if any(notes):
    for row, note in zip(rows, ["note", *notes], strict=True):
      row.append(note if style == "csv" else _shortened(note))
  return {"text": _text, "csv": _csv, "markdown": _markdown}[style](rows)


def _read(name, folder, now):
  run = run_file.load(str(folder))
  settings = train_settings.settings_of(run)
  entries = history.read(str(folder))
  if not entries:
    return _without_history(name, folder, run, settings)
  minutes = history.curves(entries).get("train/minutes", [(0, 0.0)])[-1][1]
  state, note = entries[-1].state, entries[-1].reason
  if not state:
    age = now - (folder / history.FILE).stat().st_mtime
    state = "running?" if age < RUNNING_SECONDS else history.STOPPED
    note = "" if state == "running?" else "ended without an entry, as if killed"
  step = max(entry.step for entry in entries)
  return Run(name, state, step, run.train.max_steps, minutes, settings, _best(entries), note)


def _without_history(name, folder, run, settings):
  """Returns a run without entries: a new one, or one from before there was a file for them."""
  try:
    step = int(checkpoint_folder.of_run(str(folder))[0].rpartition("-")[2])
  except (FileNotFoundError, ValueError):
    step = 0
  state = history.FINISHED if step >= run.train.max_steps else history.STOPPED
  note = f"has no {history.FILE}"
  return Run(name, state, step, run.train.max_steps, 0.0, settings, None, note)


def _best(entries):
  evaluated = [entry for entry in entries if math.isfinite(entry.values.get(_MEAN, math.nan))]
  if not evaluated:
    return None
  best = max(evaluated, key=lambda entry: entry.values[_MEAN])
  prefix = _MEAN.removesuffix("mean")
  gains = {
    name.removeprefix(prefix): value
    for name, value in best.values.items()
    if name.startswith(prefix) and name != _MEAN
  }
  return HighestGain(best.values[_MEAN], best.step, best.series, gains)


def _order(run):
  return (run.best is None, -run.best.gain_db if run.best else 0.0, not run.settings, run.name)


def _differing(runs):
  """Returns the names of the settings in which the runs differ."""
  known = [run.settings for run in runs if run.settings]
  names = dict.fromkeys(name for settings in known for name in settings)
  return [
    name
    for name in names
    if name not in _LEFT_OUT
    and len({_value(settings[name]) for settings in known if name in settings}) > 1
  ]


def _value(value):
  if isinstance(value, tuple):
    return ",".join(map(str, value))
  return f"{value:g}" if isinstance(value, float) else str(value)


def _progress(run):
  return str(run.step), str(run.max_steps), f"{run.minutes:.1f}"


def _found(best):
  whose = f" {best.series}" if best.series else ""
  return f"{best.gain_db:+.3f}", f"{best.step}{whose}"


def _shortened(note):
  return note if len(note) <= _LONGEST_NOTE else f"{note[: _LONGEST_NOTE - 1]}…"


def _aligned(rows, style):
  """Returns rows in one of tabulate's styles, the header first; numbers are aligned right."""
  align = ["right" if _is_number_column(rows, index) else "left" for index in range(len(rows[0]))]
  header, *body = rows
  import tabulate  # Here, since it is of the training extra.

  return tabulate.tabulate(body, header, style, colalign=align, disable_numparse=True)


def _text(rows):
  return _aligned([list(map(harmless.printable, row)) for row in rows], "plain")


def _is_number_column(rows, index):
  return all(_is_number(row[index]) for row in rows[1:] if row[index])


def _is_number(cell):
  try:
    float(cell)
  except ValueError:
    return False
  return True


def _csv(rows):
  stream = io.StringIO()
  shown = [[harmless.csv_cell(harmless.printable(cell)) for cell in row] for row in rows]
  csv.writer(stream, lineterminator="\n").writerows(shown)
  return stream.getvalue().rstrip("\n")


def _markdown(rows):
  return _aligned([list(map(harmless.markdown, row)) for row in rows], "pipe")
