"""The picture of a run's curves: loss, gain over the JPEG, learning rate."""

from collections.abc import Sequence
import os
import pathlib

import numpy as np
from PIL import Image

from deblock.launch import curves, history

_WINDOWS = 40  # Of a line that is smoothed, as many pieces of its length are seen for themselves.


def curve_sheet(entries: Sequence[history.Entry], title: str) -> np.ndarray:
  """Returns the picture of what a run has logged, uint8 [h, w, 3]."""
  found = history.curves(entries)
  others = sorted({entry.series for entry in entries} - {history.MAIN, history.JPEG})
  held_out = _gains(found)
  for number, series in enumerate(others, 1):
    held_out += _gains(history.curves(entries, series), f", {series}", number * len(held_out))
  charts = (
    curves.Chart("training loss", _smoothed("loss", found.get("train/loss", [])), logarithmic=True),
    curves.Chart(
      "gain over the JPEG on training crops, dB",
      _smoothed("gain", found.get("train/gain_db", [])),
      zero=True,
    ),
    curves.Chart("gain over the JPEG on held-out tiles, dB", held_out, zero=True),
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


def _gains(found, suffix="", first_colour=0):
  """Returns a line for each quality, and their mean where there are several."""
  prefix = "eval/gain_db/"
  names = [name for name in found if name.startswith(prefix)]
  if len(names) == 2:  # One quality and a mean that is the same.
    names = [name for name in names if name != f"{prefix}mean"]
  return [
    curves.Line(f"{name.removeprefix(prefix)}{suffix}", found[name], first_colour + number)
    for number, name in enumerate(names)
  ]
