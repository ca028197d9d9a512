"""Contact sheets: tiles of records beside their JPEGs, and details by method for papers."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from deblock.launch.evaluation import figures, measures
from deblock.launch.pictures import grid, side_by_side
from deblock.records import harmless
from deblock.records.jpeg import codec
from deblock.records.layout import triple

FILE = "contact-sheet.png"
_TILE = 192  # Pixels of a tile that are shown: the middle of larger ones, never a scaled version.
_MOST_QUALITIES = 6
_SHOWN = ("psnr", "ssim")
_DETAIL = 96  # Side of the detail, in pixels of the image.
_FACTOR = 2  # By which it is enlarged.


def tiles(titled: Sequence[tuple[str, triple.PatchTriple]]) -> np.ndarray:
  """Returns a row for each tile: the clean tile, and each of its JPEGs; uint8 [h, w, 3].

  Args:
    titled: (title, tile) pairs, at least one. Of more than 6 qualities an even choice is shown.
  """
  most = min(max(len(tile.qualities) for _, tile in titled), _MOST_QUALITIES)
  rows = [_heads("clean: split and key", *(most * ["JPEG: PSNR / SSIM"]))]
  for title, tile in titled:
    steps = min(len(tile.qualities), _MOST_QUALITIES)
    cells = [grid.Cell(harmless.printable(f"{title} {tile.key}"), _middle(tile.clean))]
    for step in range(steps):
      index = step * (len(tile.qualities) - 1) // max(1, steps - 1)
      stream = tile.compressed[index]
      jpeg = codec.decode(stream, tile.clean.shape[:2])
      caption = (
        f"quality {tile.qualities[index]}, {len(stream):,} bytes\n{_figures(jpeg, tile.clean)}"
      )
      cells.append(grid.Cell(caption, _middle(jpeg)))
    rows.append(cells)
  return grid.grid(rows, narrowest=_TILE)


def _figures(jpeg, clean):
  if min(clean.shape[:2]) < measures.smallest_side(_SHOWN):
    return ""
  of_jpeg = figures.figures(jpeg, clean, _SHOWN)
  return f"{of_jpeg.psnr:.2f} dB / {of_jpeg.ssim:.4f}"


def details(trials: Sequence[figures.Trial]) -> list[grid.Cell]:
  """Returns a row for `paper`: the clean image with its detail marked, then the details enlarged.

  The detail is the square whose error the first method reduced most.

  Args:
    trials: of one image at one quality by each method, at least one.
  """
  first = trials[0]
  row = first.row
  top, left, side = side_by_side.most_improved(first.clean, first.jpeg, first.restored, _DETAIL)
  jpeg_figures = f"{row.psnr_jpeg:.2f} dB / {row.ssim_jpeg:.4f}"
  captions = [harmless.printable(row.image), f"JPEG, quality {row.quality}\n{jpeg_figures}"]
  captions += [
    f"{harmless.printable(trial.row.model) or 'restored'}\n"
    f"{trial.row.psnr:.2f} dB / {trial.row.ssim:.4f}"
    for trial in trials
  ]
  images = [first.clean, first.jpeg, *(trial.restored for trial in trials)]
  cells = [
    grid.Cell(caption, grid.enlarged(image[top : top + side, left : left + side], _FACTOR))
    for caption, image in zip(captions, images, strict=True)
  ]
  return [grid.Cell("", _small(first.clean, top, left, side)), *cells]


def paper(rows: Sequence[Sequence[grid.Cell]]) -> np.ndarray:
  """Returns rows that `details` made below each other, uint8 [h, w, 3]; at least one.

  Heads above the columns say what they hold.
  """
  restored = (max(map(len, rows)) - 3) * ["restored\nPSNR / SSIM"]
  return grid.grid(
    [_heads("the image, its detail framed", "clean", "JPEG\nPSNR / SSIM", *restored), *rows],
    font_size=13,
  )


def _heads(*texts):
  """Returns a row of captions alone."""
  return [grid.Cell(text, np.zeros((0, 0, 1), np.uint8)) for text in texts]


def _middle(pixels):
  top, left = ((max(0, side - _TILE) // 2) for side in pixels.shape[:2])
  return pixels[top : top + _TILE, left : left + _TILE]


def _small(image, top, left, side):
  """Returns an image with its detail marked, as high as the enlarged detail if not too wide."""
  height, width = image.shape[:2]
  cell = _FACTOR * _DETAIL
  factor = min(cell / height, 2 * cell / width)
  size = (max(1, round(width * factor)), max(1, round(height * factor)))
  small = Image.fromarray(grid.rgb(image)).resize(size, Image.Resampling.LANCZOS)
  return grid.framed(np.asarray(small), *(round(factor * at) for at in (top, left, side)))
