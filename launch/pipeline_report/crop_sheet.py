"""A picture of crops as training sees them: JPEG, clean, and the difference enlarged."""

import numpy as np

from deblock.launch.pictures import grid
from deblock.pipeline import batch

AMPLIFIED = 8  # Factor of the difference, laid around middle gray.
_SMALLEST = 144  # Pixels; smaller crops are enlarged by a whole number.


def difference(compressed: np.ndarray, clean: np.ndarray) -> np.ndarray:
  """Returns 128 + 8 * (compressed - clean), clipped to uint8; both are uint8 of one shape."""
  levels = 128 + AMPLIFIED * (compressed.astype(np.int64) - clean)
  return np.clip(levels, 0, 255).astype(np.uint8)


def crop_sheet(crops: batch.Batch) -> np.ndarray:
  """Returns the sheet, a row for each crop, uint8 [h, w, 3].

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
  return grid.grid(rows)
