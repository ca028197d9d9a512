"""A picture of crops as training sees them: JPEG, clean, and the difference enlarged."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from deblock.pipeline import batch as batch_lib

AMPLIFIED = 8  # Factor of the difference, laid round middle gray.
GAP = 6
CAPTION = 18
SMALLEST_CELL = 144  # Pixels; smaller crops are enlarged by a whole number, pixel by pixel.
BACKGROUND, INK = (250, 250, 250), (20, 20, 20)


def difference(compressed: np.ndarray, clean: np.ndarray) -> np.ndarray:
  """Returns 128 + 8 * (compressed - clean), clipped to uint8; both are uint8 of one shape."""
  levels = 128 + AMPLIFIED * (compressed.astype(np.int64) - clean)
  return np.clip(levels, 0, 255).astype(np.uint8)


def crop_sheet(crops: batch_lib.Batch) -> np.ndarray:
  """Returns the sheet, a row for each crop, uint8 [h, w, 3].

  Args:
    crops: Batch of NumPy arrays, as `training_dataset` makes it; at least one crop.
  """
  compressed, clean = (np.rint(255 * part).astype(np.uint8) for part in crops[:2])
  side = clean.shape[1]
  factor = -(-SMALLEST_CELL // side)
  cell = side * factor
  rows = len(clean)
  sheet = Image.new(
    "RGB", (GAP + 3 * (cell + GAP), GAP + rows * (CAPTION + cell + GAP)), BACKGROUND
  )
  draw = ImageDraw.Draw(sheet)
  font = ImageFont.load_default(size=12)
  for row in range(rows):
    cells = (
      (f"JPEG, quality {int(crops.quality[row])}", compressed[row]),
      ("clean", clean[row]),
      (f"difference x{AMPLIFIED}", difference(compressed[row], clean[row])),
    )
    for column, (caption, pixels) in enumerate(cells):
      x, y = GAP + column * (cell + GAP), GAP + row * (CAPTION + cell + GAP)
      draw.text((x, y), caption, INK, font=font)
      enlarged = Image.fromarray(pixels).resize((cell, cell), Image.Resampling.NEAREST)
      sheet.paste(enlarged, (x, y + CAPTION))
  return np.asarray(sheet)
