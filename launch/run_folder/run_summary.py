"""A run in a few lines of text: its state, its gain on held-out tiles, and its course."""

from collections.abc import Sequence
import pathlib

from deblock.launch.run_folder import history, run_table
from deblock.records import harmless

_BARS = "▁▂▃▄▅▆▇█"
_WIDTH = 40  # Characters of a curve; of more points each character is the last of its share.


def text(folder: str, run: run_table.Run) -> str:
  """Returns the summary of a run.

  Args:
    folder: in which the run was found.
    run: one that `run_table.find` returned.
  Raises:
    ValueError: if the run's figures are damaged.
  """
  root = pathlib.Path(folder)
  path = root / run.name if (root / run.name).is_dir() else root
  entries = history.read(str(path))
  of = {series: history.curves(entries, series) for series in ("", history.AVERAGED)}
  lines = [
    f"{harmless.printable(run.name)}: {run.state}, step {run.step:,} of {run.max_steps:,}, "
    f"{run.minutes:.1f} minutes"
  ]
  if run.note:
    lines.append(f"  {harmless.printable(run.note)}")
  if run.best:
    whose = f", {run.best.series} weights" if run.best.series else ""
    lines.append(
      f"  best held-out gain {run.best.gain_db:+.3f} dB at step {run.best.step:,}{whose}"
    )
    by_quality = [f"{name} {gain:+.3f}" for name, gain in run.best.gains_db.items()]
    if len(by_quality) > 1:
      lines.append(f"    by quality: {', '.join(by_quality)}")
  shown = (
    ("held-out gain, dB", of[""].get("eval/gain_db/mean")),
    ("  averaged weights", of[history.AVERAGED].get("eval/gain_db/mean")),
    ("train gain, dB", of[""].get("train/gain_db")),
    ("train loss", of[""].get("train/loss")),
    ("crops/s", of[""].get("train/crops_per_second")),
  )
  for title, points in shown:
    if points:
      first, last = points[0], points[-1]
      lines.append(
        f"  {title:<18} {curve([value for _, value in points])} {first[1]:.4g} at step "
        f"{first[0]:,}, {last[1]:.4g} at step {last[0]:,}"
      )
  return "\n".join(lines)


def curve(values: Sequence[float]) -> str:
  """Returns values as a row of bars, the lowest value as the lowest bar.

  Args:
    values: at least one, finite.
  """
  count = min(len(values), _WIDTH)
  shown = [values[(index + 1) * len(values) // count - 1] for index in range(count)]
  low, high = min(shown), max(shown)
  span = (high - low) or 1.0
  return "".join(_BARS[round((value - low) / span * (len(_BARS) - 1))] for value in shown)
