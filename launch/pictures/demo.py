"""Packaged photographs, compressed and restored with pretrained weights: picture and report."""

from collections.abc import Sequence
import dataclasses

import numpy as np

from deblock.launch.evaluation import figures, protocol
from deblock.launch.pictures import report, side_by_side
from deblock.launch.restoring import photograph
from deblock.records.jpeg import codec
from deblock.records.photos import reading
from deblock.records.sources import packaged

_SIDE = 256


def trials(model: str, qualities: tuple[int, ...]) -> list[figures.Trial]:
  """Returns the middle of each photograph, compressed and restored, each at one quality."""
  made = []
  for index, image in enumerate(packaged.packaged()):
    quality = qualities[index % len(qualities)]
    clean = _middle(reading.read_rgb(image.path))
    data = codec.encode(clean, quality)
    jpeg, restored = codec.decode(data), photograph.restore(data, model)
    row = figures.compare(image.id, quality, clean, jpeg, restored)
    row = dataclasses.replace(row, model=model)
    made.append(figures.Trial(row, clean, data, jpeg, restored))
  return made


def sheet(made: Sequence[figures.Trial]) -> np.ndarray:
  """Returns clean square, JPEG and restored square of each photograph, uint8 [H, W, 3]."""
  return np.concatenate(
    [
      side_by_side.side_by_side(trial.clean, trial.jpeg, trial.restored, trial.row)
      for trial in made
    ]
  )


def page(made: Sequence[figures.Trial]) -> str:
  """Returns the report on them, an HTML document."""
  rows = [trial.row for trial in made]
  # Restoring a file keeps its coefficients inside their cells.
  settings = protocol.ProtocolConfig(faithful=True)
  return report.page(rows, [report.card([trial]) for trial in made], protocol.describe(settings))


def _middle(pixels):
  top, left = ((side - _SIDE) // 2 for side in pixels.shape[:2])
  return np.ascontiguousarray(pixels[top : top + _SIDE, left : left + _SIDE])
