"""Two photographs of the package, compressed and restored by pretrained networks."""

from collections.abc import Sequence
import dataclasses
import itertools
import pathlib

import numpy as np

from deblock.launch.evaluation import figures, protocol
from deblock.launch.pictures import report, side_by_side
from deblock.launch.restoring import photograph
from deblock.records.jpeg import codec
from deblock.records.photos import reading

# Lossless squares; LICENCES.md beside them says whose they are.
PHOTOGRAPHS = pathlib.Path(__file__).parent / "photographs"


def trials(model: str, qualities: tuple[int, ...]) -> list[figures.Trial]:
  """Returns the photographs in turn, one at each quality, compressed and restored."""
  paths = itertools.cycle(sorted(PHOTOGRAPHS.glob("*.webp")))
  return [_trial(path, quality, model) for path, quality in zip(paths, qualities, strict=False)]


def sheet(made: Sequence[figures.Trial]) -> np.ndarray:
  """Returns the clean square, JPEG and restored square of each trial, uint8 [H, W, 3]."""
  return np.concatenate(
    [
      side_by_side.side_by_side(trial.clean, trial.jpeg, trial.restored, trial.row)
      for trial in made
    ]
  )


def page(made: Sequence[figures.Trial]) -> str:
  """Returns the report on them, an HTML document."""
  rows = [trial.row for trial in made]
  of_image = [
    [trial for trial in made if trial.row.image == image]
    for image in dict.fromkeys(row.image for row in rows)
  ]
  # Restoring a file keeps its coefficients inside their cells.
  measured = protocol.describe(protocol.ProtocolConfig(faithful=True))
  caption = f"{measured}. Squares of {len(of_image)} photographs: an example, not an evaluation"
  return report.page(rows, list(map(report.card, of_image)), caption, plot=False)


def _trial(path, quality, model):
  clean = reading.read_rgb(str(path))
  data = codec.encode(clean, quality)
  jpeg, restored = codec.decode(data), photograph.restore(data, model)
  row = figures.compare(path.stem, quality, clean, jpeg, restored)
  return figures.Trial(dataclasses.replace(row, model=model), clean, data, jpeg, restored)
