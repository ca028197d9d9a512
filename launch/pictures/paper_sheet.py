"""A contact sheet for papers: the same detail, clean, compressed and restored by each method."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from deblock.launch.evaluation import figures
from deblock.launch.pictures import side_by_side

FILE = "contact-sheet.png"
DETAIL = 96  # Side of the detail, in pixels of the image.
FACTOR = 2  # By which it is enlarged, pixel by pixel.
CELL = DETAIL * FACTOR
GAP = 8
CAPTION = 36
WIDEST = 2 * CELL  # Of the whole image beside its details.
BACKGROUND, INK, MARK = (255, 255, 255), (20, 20, 20), (230, 60, 40)


class Strip(NamedTuple):
  """One row of the sheet.

  Attributes:
    whole: uint8 [CELL, w, 3], the clean image made small, its detail marked.
    captions: a text of two lines for each detail.
    details: uint8 [CELL, CELL, 3] each, or less of a smaller image.
  """

  whole: np.ndarray
  captions: tuple[str, ...]
  details: tuple[np.ndarray, ...]


def strip(trials: Sequence[figures.Trial]) -> Strip:
  """Returns the row of one image at one quality.

  The detail is where the first method's error fell most.

  Args:
    trials: of one image at one quality by each method, at least one.
  """
  first = trials[0]
  square = side_by_side.most_improved(first.clean, first.jpeg, first.restored, DETAIL)
  captions = [
    first.row.image,
    f"JPEG, quality {first.row.quality}\n{first.row.psnr_jpeg:.2f} dB / {first.row.ssim_jpeg:.4f}",
  ]
  captions += [
    f"{trial.row.model or 'restored'}\n{trial.row.psnr:.2f} dB / {trial.row.ssim:.4f}"
    for trial in trials
  ]
  images = [first.clean, first.jpeg, *(trial.restored for trial in trials)]
  return Strip(
    _whole(first.clean, square),
    tuple(captions),
    tuple(_enlarged(image, square) for image in images),
  )


def sheet(strips: Sequence[Strip]) -> np.ndarray:
  """Returns the rows below each other, uint8 [h, w, 3]; at least one."""
  widest = max(row.whole.shape[1] for row in strips)
  columns = max(len(row.details) for row in strips)
  size = (GAP + widest + GAP + columns * (CELL + GAP), GAP + len(strips) * (CAPTION + CELL + GAP))
  made = Image.new("RGB", size, BACKGROUND)
  draw = ImageDraw.Draw(made)
  font = ImageFont.load_default(size=13)
  for index, row in enumerate(strips):
    y = GAP + index * (CAPTION + CELL + GAP)
    made.paste(Image.fromarray(row.whole), (GAP + widest - row.whole.shape[1], y + CAPTION))
    for column, (caption, detail) in enumerate(zip(row.captions, row.details, strict=True)):
      x = GAP + widest + GAP + column * (CELL + GAP)
      for line, text in enumerate(caption.split("\n")):
        draw.text((x, y + 17 * line), _shortened(text, draw, font), INK, font=font)
      made.paste(Image.fromarray(detail), (x, y + CAPTION))
  return np.asarray(made)


def _whole(image, square):
  top, left, side = square
  height, width = image.shape[:2]
  factor = min(CELL / height, WIDEST / width)
  small = Image.fromarray(_three(image)).resize(
    (max(1, round(width * factor)), max(1, round(height * factor))), Image.Resampling.LANCZOS
  )
  corners = (left, top, left + side, top + side)
  ImageDraw.Draw(small).rectangle([round(factor * at) for at in corners], outline=MARK, width=2)
  return np.asarray(small)


def _enlarged(image, square):
  top, left, side = square
  detail = _three(image)[top : top + side, left : left + side]
  return detail.repeat(FACTOR, axis=0).repeat(FACTOR, axis=1)


def _three(image):
  return np.ascontiguousarray(np.broadcast_to(image, (*image.shape[:2], 3)))


def _shortened(text, draw, font):
  short, dropped = text, 0
  while draw.textlength(short, font=font) > CELL and dropped < len(text):
    dropped += 1
    # A path's end tells most.
    short = f"…{text[dropped:]}"
  return short
