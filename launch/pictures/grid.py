"""Pictures in rows and columns, each under its caption."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

GAP = 8  # Pixels between pictures, and around them all.
PAPER, INK, MARK = (250, 250, 250), (20, 20, 20), (230, 60, 40)


class Cell(NamedTuple):
  """One picture of a grid.

  Attributes:
    caption: lines above it; empty for none.
    pixels: uint8 [h, w, 1] or [h, w, 3]; [0, 0, 1] for a caption alone.
  """

  caption: str
  pixels: np.ndarray


def grid(
  rows: Sequence[Sequence[Cell]], font_size: int = 12, narrowest: int = 0, equal: bool = False
) -> np.ndarray:
  """Returns a picture of all cells, uint8 [h, w, 3].

  A column is as wide as its widest picture, a row as high as its highest picture and its longest
  caption. A line that is too long for its column loses its middle: the two ends of a path say most.

  Args:
    rows: at least one cell; rows may differ in length.
    font_size: of captions, in pixels.
    narrowest: width of a column, at least.
    equal: whether all columns are as wide as the widest one.
  """
  columns = max(map(len, rows))
  widths = [
    max(narrowest, *(row[column].pixels.shape[1] for row in rows if column < len(row)))
    for column in range(columns)
  ]
  if equal:
    widths = [max(widths)] * columns
  captions = [_caption_height(row, font_size) for row in rows]
  heights = [max(cell.pixels.shape[0] for cell in row) for row in rows]
  size = (
    sum(widths) + GAP * (columns + 1),
    sum(captions) + sum(heights) + GAP * (len(rows) + 1),
  )
  sheet = Image.new("RGB", size, PAPER)
  draw = ImageDraw.Draw(sheet)
  font = ImageFont.load_default(size=font_size)
  y = GAP
  for row, caption, height in zip(rows, captions, heights, strict=True):
    x = GAP
    for cell, width in zip(row, widths, strict=False):
      lines = (_shortened(line, width, draw, font) for line in cell.caption.split("\n"))
      draw.text((x, y), "\n".join(lines), INK, font=font, spacing=2)
      if cell.pixels.size:
        sheet.paste(Image.fromarray(rgb(cell.pixels)), (x, y + caption))
      x += width + GAP
    y += caption + height + GAP
  return np.asarray(sheet)


def rgb(image: np.ndarray) -> np.ndarray:
  """Returns an image of one or three channels as uint8 [H, W, 3]."""
  return np.ascontiguousarray(np.broadcast_to(image, (*image.shape[:2], 3)))


def enlarged(image: np.ndarray, factor: int) -> np.ndarray:
  """Returns an image, each of whose pixels has become a square of factor x factor."""
  return image.repeat(factor, axis=0).repeat(factor, axis=1)


def framed(image: np.ndarray, top: int, left: int, side: int) -> np.ndarray:
  """Returns an image as uint8 [H, W, 3] with a frame around a square."""
  picture = Image.fromarray(rgb(image))
  box = (left - 1, top - 1, left + side, top + side)
  ImageDraw.Draw(picture).rectangle(box, outline=MARK, width=2)
  return np.asarray(picture)


def _caption_height(row, font_size):
  lines = max(len(cell.caption.splitlines()) for cell in row)
  return lines * (font_size + 4) + 4 if lines else 0


def _shortened(line, width, draw, font):
  short = line
  middle = len(line) // 2
  dropped = 0
  while draw.textlength(short, font=font) > width and dropped < len(line):
    dropped += 2
    short = f"{line[: middle - dropped // 2]}…{line[middle + dropped // 2 :]}"
  return short
