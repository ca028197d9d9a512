"""The picture of a run's curves: loss, gain over the JPEG, learning rate."""

from collections.abc import Sequence
import os
import pathlib

import numpy as np
from PIL import Image

from deblock.launch.pictures import curves
from deblock.launch.run_folder import history

_WINDOWS = 40  # Of a line that is smoothed, as many pieces of its length are seen for themselves.


def curve_sheet(entries: Sequence[history.Entry], title: str) -> np.ndarray:
  """Returns the picture of what a run has logged, uint8 [h, w, 3]."""
  found = history.curves(entries)
  others = sorted({entry.series for entry in entries} - {history.MAIN, history.JPEG})
  charts = (
    curves.Chart("training loss", _smoothed("loss", found.get("train/loss", [])), logarithmic=True),
    curves.Chart(
      "gain over the JPEG on training crops, dB",
      _smoothed("gain", found.get("train/gain_db", [])),
      zero=True,
    ),
    _held_out("", found),
    *(_held_out(f", {series} weights", history.curves(entries, series)) for series in others),
    curves.Chart(
      "learning rate", [curves.Line("rate", found.get("train/learning_rate", []))], zero=True
    ),
  )
  return curves.draw(title, charts)


def save(sheet: np.ndarray, path: pathlib.Path) -> None:
  """Writes a picture as PNG, under a temporary name first."""
  temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
  try:
    Image.fromarray(sheet).save(temporary, "PNG")
    temporary.replace(path)
  finally:
    temporary.unlink(missing_ok=True)


def smooth(points: Sequence[tuple[float, float]], windows: int = _WINDOWS):
  """Returns points whose values are means over their neighbours; fewer of these at the ends.

  Args:
    points: (step, value) pairs.
    windows: that all points make side by side.
  """
  reach = len(points) // windows // 2
  values = np.array([value for _, value in points], np.float64)
  sums = np.concatenate([[0.0], np.cumsum(values)])
  smoothed = []
  for index, (step, _) in enumerate(points):
    # As far to both sides, or the line would lag where it is steep.
    near = min(reach, index, len(points) - 1 - index)
    total = sums[index + near + 1] - sums[index - near]
    smoothed.append((step, float(total / (2 * near + 1))))
  return smoothed


def _smoothed(label, points):
  if len(points) < 2 * _WINDOWS:
    return [curves.Line(label, points)]
  return [curves.Line("", points, faint=True), curves.Line(label, smooth(points))]


def _held_out(whose, found):
  """Returns a chart with a line for each quality, and their mean where there are several."""
  prefix = "eval/gain_db/"
  names = [name for name in found if name.startswith(prefix)]
  if len(names) == 2:  # One quality, which is the mean.
    names.remove(f"{prefix}mean")
  lines = [
    curves.Line(name.removeprefix(prefix), found[name], number) for number, name in enumerate(names)
  ]
  return curves.Chart(f"gain over the JPEG on held-out tiles{whose}, dB", lines, zero=True)
