"""A picture of crops as training sees them: JPEG, clean, and the difference enlarged."""

import itertools
import math

import numpy as np

from deblock.launch.pictures import grid
from deblock.pipeline import batch

AMPLIFIED = 8  # Factor of the difference, laid around middle gray.
_SHAPE = 4 / 3  # Width of the sheet over its height.
_SMALLEST = 144  # Pixels; smaller crops are enlarged by a whole number.


def difference(compressed: np.ndarray, clean: np.ndarray) -> np.ndarray:
  """Returns 128 + 8 * (compressed - clean), clipped to uint8; both are uint8 of one shape."""
  levels = 128 + AMPLIFIED * (compressed.astype(np.int64) - clean)
  return np.clip(levels, 0, 255).astype(np.uint8)


def crop_sheet(crops: batch.Batch) -> np.ndarray:
  """Returns the sheet, uint8 [h, w, 3]: three pictures for each crop, in a grid of about 4:3.

  Args:
    crops: Batch of NumPy arrays, as `training_dataset` makes it; at least one crop.
  """
  pairs = (np.rint(255 * part).astype(np.uint8) for part in crops[:2])
  rows = []
  for compressed, clean, quality in zip(*pairs, crops.quality, strict=True):
    images = {
      f"JPEG, quality {int(quality)}": compressed,
      "clean": clean,
      f"difference x{AMPLIFIED}": difference(compressed, clean),
    }
    factor = -(-_SMALLEST // len(clean))
    rows.append(
      [grid.Cell(caption, grid.enlarged(image, factor)) for caption, image in images.items()]
    )
  return min((grid.grid(_side_by_side(rows, count)) for count in _counts(rows)), key=_distance)


def _counts(rows):
  """Returns the numbers of crops in a row that can give the wanted shape."""
  # A crop's three pictures are about three times as wide as high.
  usual = math.sqrt(_SHAPE * len(rows) / 3.0)
  return sorted({min(len(rows), max(1, round(usual) + more)) for more in (-1, 0, 1)})


def _side_by_side(rows, count):
  """Returns rows of `count` crops, whose order is along the rows."""
  starts = range(0, len(rows), count)
  return [list(itertools.chain(*rows[start : start + count])) for start in starts]


def _distance(sheet):
  height, width = sheet.shape[:2]
  return abs(math.log(width / height / _SHAPE))
