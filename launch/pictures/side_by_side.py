"""Side-by-side pictures: clean, JPEG and restored, with a detail enlarged."""

import numpy as np

from deblock.launch.evaluation import figures
from deblock.launch.pictures import grid
from deblock.records import harmless

DETAIL = 64  # Side of the enlarged square, in pixels of the image.
AMPLIFIED = 8  # Factor of errors.
_NARROWEST = 250  # Pixels that a caption takes.
_FONT_SIZE = 16


def side_by_side(clean, jpeg, restored, row: figures.Row) -> np.ndarray:
  """Returns clean | JPEG | restored with captions, and below each the same detail enlarged.

  The detail is the square whose error restoring reduced most.

  Args:
    clean: uint8 [H, W, 3] or [H, W, 1].
    jpeg: uint8, same shape.
    restored: uint8, same shape.
    row: their figures.
  Returns:
    uint8 [h, w, 3], a picture of its own size.
  """
  return _grid(_rows(clean, jpeg, restored, row))


def with_errors(clean, jpeg, restored, row: figures.Row) -> np.ndarray:
  """Returns `side_by_side`, and below it the errors of JPEG and restored image.

  Errors are absolute differences from the clean image times 8, black where there is none.
  """
  cells = [grid.Cell("errors,\nblack where there are none", np.zeros((0, 0, 1), np.uint8))]
  for name, image in (("JPEG", jpeg), ("restored", restored)):
    error = np.abs(image.astype(np.int64) - clean)
    caption = f"|{name} - clean| x {AMPLIFIED}\nmean {error.mean():.2f} of 255 levels"
    cells.append(grid.Cell(caption, np.minimum(AMPLIFIED * error, 255).astype(np.uint8)))
  return _grid([*_rows(clean, jpeg, restored, row), cells])


def most_improved(clean, jpeg, restored, most: int = DETAIL) -> tuple[int, int, int]:
  """Returns first row, first column and side of the square whose error fell most.

  Args:
    clean: uint8 [H, W, C].
    jpeg: uint8, same shape.
    restored: uint8, same shape.
    most: its side, less where the image is smaller; it is sought on a grid of half the side.
  """
  clean = clean.astype(np.float64)
  return _richest(((jpeg - clean) ** 2 - (restored - clean) ** 2).sum(axis=2), most)


def most_changed(jpeg, restored, most: int = DETAIL) -> tuple[int, int, int]:
  """Returns first row, first column and side of the square that restoring changed most.

  Arguments are those of `most_improved`.
  """
  return _richest(((jpeg.astype(np.float64) - restored) ** 2).sum(axis=2), most)


def _richest(plane, most):
  """Returns first row, first column and side of the square with the largest sum."""
  size = min(most, *plane.shape)
  step = max(1, size // 2)
  corners = [
    (top, left)
    for top in range(0, plane.shape[0] - size + 1, step)
    for left in range(0, plane.shape[1] - size + 1, step)
  ]
  top, left = max(corners, key=lambda c: plane[c[0] : c[0] + size, c[1] : c[1] + size].sum())
  return top, left, size


def _rows(clean, jpeg, restored, row):
  top, left, side = most_improved(clean, jpeg, restored)
  captions = (
    f"clean\n{harmless.printable(row.image)}",
    f"JPEG, quality {row.quality}\nPSNR {row.psnr_jpeg:.2f} dB   SSIM {row.ssim_jpeg:.4f}",
    f"restored ({row.gain:+.2f} dB)\nPSNR {row.psnr:.2f} dB   SSIM {row.ssim:.4f}",
  )
  images = (clean, jpeg, restored)
  factor = max(1, clean.shape[1] // side)
  return [
    [
      grid.Cell(caption, grid.framed(image, top, left, side))
      for caption, image in zip(captions, images, strict=True)
    ],
    [
      grid.Cell("", grid.enlarged(image[top : top + side, left : left + side], factor))
      for image in images
    ],
  ]


def _grid(rows):
  return grid.grid(rows, _FONT_SIZE, _NARROWEST, equal=True)
