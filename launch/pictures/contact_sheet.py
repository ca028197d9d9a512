"""A picture of some tiles: clean, and beside it each of its JPEGs."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from deblock.records.jpeg import codec
from deblock.records.layout import triple

CELL = 192  # Side of a cell in pixels; of larger tiles the middle is shown, never a scaled version.
GAP = 6
CAPTION = 20
MOST_QUALITIES = 6
BACKGROUND, INK = (250, 250, 250), (20, 20, 20)


def contact_sheet(tiles: Sequence[tuple[str, triple.PatchTriple]]) -> np.ndarray:
  """Returns the sheet, a row for each tile, uint8 [h, w, 3].

  Args:
    tiles: (title, tile) pairs, at least one. Of more than 6 qualities some are left out evenly.
  """
  rows = [_cells(title, tile) for title, tile in tiles]
  columns = max(len(cells) for cells in rows)
  sheet = Image.new(
    "RGB",
    (GAP + columns * (CELL + GAP), GAP + len(rows) * (CELL + CAPTION + GAP)),
    BACKGROUND,
  )
  draw = ImageDraw.Draw(sheet)
  font = ImageFont.load_default(size=12)
  for row, cells in enumerate(rows):
    for column, (caption, pixels) in enumerate(cells):
      x, y = GAP + column * (CELL + GAP), GAP + row * (CELL + CAPTION + GAP)
      draw.text((x, y), _shortened(caption, draw, font), INK, font=font)
      sheet.paste(Image.fromarray(_middle(pixels)), (x, y + CAPTION))
  return np.asarray(sheet)


def _cells(title, tile):
  """Returns (caption, pixels) of the clean tile and of its JPEGs."""
  count = len(tile.qualities)
  steps = min(count, MOST_QUALITIES)
  shown = [step * (count - 1) // max(1, steps - 1) for step in range(steps)]
  cells = [(f"{title} {tile.key}", tile.clean)]
  for index in shown:
    stream = tile.compressed[index]
    caption = f"quality {tile.qualities[index]}, {len(stream):,} bytes"
    cells.append((caption, codec.decode(stream)))
  return cells


def _middle(pixels):
  top, left = ((max(0, side - CELL) // 2) for side in pixels.shape[:2])
  return np.ascontiguousarray(pixels[top : top + CELL, left : left + CELL])


def _shortened(text, draw, font):
  """Returns a text without its middle if it is too long for a cell: its two ends tell most."""
  short = text
  cut = len(text) // 2
  dropped = 0
  while draw.textlength(short, font=font) > CELL and dropped < len(text):
    dropped += 2
    short = f"{text[: cut - dropped // 2]}…{text[cut + dropped // 2 :]}"
  return short
