"""The mean of an image restored in its eight positions: a small gain for eight times the work.

R. Timofte, R. Rothe, L. Van Gool, "Seven ways to improve example-based single image super
resolution", CVPR 2016 ("enhanced prediction"); "geometric self-ensemble" in B. Lim et al.,
"Enhanced Deep Residual Networks for Single Image Super-Resolution", CVPR Workshops 2017.
"""

from collections.abc import Callable
import itertools

import numpy as np

# Mirrored, flipped, then transposed.
POSITIONS = tuple(itertools.product((False, True), repeat=3))


def mean(run: Callable, images: np.ndarray, tables: np.ndarray, grid: int = 1) -> np.ndarray:
  """Returns the mean of a network's results for images in their eight positions.

  Runs one position after the other, which takes the memory of one.

  Args:
    run: float32 [B, H, W, 3] and float32 [1, 2, 8, 8] to float32 [B, h, w, 3], all of the images
      or their centre.
    images: float32 [B, H, W, 3] in [0, 1]; the block grid of their JPEGs starts at the first pixel.
    tables: float32 [1, 2, 8, 8], their quantisation steps; transposed with an image, as its DCT.
    grid: of blocks, in pixels. The last row and column are repeated up to a multiple of it, so that
      turned images start at a block too.
  Returns:
    float32 [B, h, w, 3], without the padding.
  """
  height, width = images.shape[1:3]
  margins = ((0, 0), (0, -height % grid), (0, -width % grid), (0, 0))
  whole = np.pad(images, margins, "edge")
  total: np.ndarray | float = 0.0
  for position in POSITIONS:
    seen = np.ascontiguousarray(_turned(whole, position))
    steps = np.swapaxes(tables, 2, 3) if position[2] else tables
    total = total + _turned_back(np.asarray(run(seen, steps)), position)
  return (total / np.float32(len(POSITIONS)))[:, :height, :width]


def _turned(images, position):
  mirrored, flipped, transposed = position
  images = images[:, :: -1 if flipped else 1, :: -1 if mirrored else 1]
  return images.swapaxes(1, 2) if transposed else images


def _turned_back(images, position):
  mirrored, flipped, transposed = position
  images = images.swapaxes(1, 2) if transposed else images
  return images[:, :: -1 if flipped else 1, :: -1 if mirrored else 1]
