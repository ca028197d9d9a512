"""Leaves alone what a JPEG already shows as it was, to all appearance.

These are blocks that the file holds as flat and that are pure black or white; and, if the steps of
means are small or the whole image is of one colour, blocks in flat areas of one colour. There a
network can only lose.
"""

import numpy as np

from deblock.launch.restoring import planes as planes_lib
from deblock.records.jpeg import sampling as jpeg_sampling

BLOCK = jpeg_sampling.BLOCK
# Up to this step of the mean, an area that is flat in the file is known to half a level, and mostly
# exactly.
_EXACT_STEP = 16


def keep(levels, shown, coefficients, top, left):
  """Gives blocks back, in place, whose pixels the JPEG shows as they were, to all appearance.

  Args:
    levels: float32 [C, H, W], restored, in whole units of the file's grid.
    shown: the same, of the decoded JPEG.
    coefficients: of the whole file.
    top: the first row in the image, a multiple of the grid.
    left: the first column, the same.
  """
  units = levels.shape[1] // BLOCK, levels.shape[2] // BLOCK
  flat, even = np.ones(units, bool), np.ones(units, bool)
  for plane in coefficients.planes:
    is_flat, is_even = _flat_and_even(plane, (top, left), levels.shape[1:])
    fine = plane.steps[0, 0] <= _EXACT_STEP or coefficients.is_one_colour
    even &= is_even & fine
    if plane is coefficients.planes[0]:
      flat &= is_flat
  if not flat.any():
    return
  blocks, old = (
    image.reshape(-1, units[0], BLOCK, units[1], BLOCK).transpose(1, 3, 0, 2, 4)
    for image in (levels, shown)
  )
  found = old[flat]
  first = found[:, :1, :1, :1]
  pure = ((found == first) & ((first == 0.0) | (first == 255.0))).all(axis=(1, 2, 3))
  kept = flat.copy()
  kept[flat] = pure | even[flat]
  blocks[kept] = old[kept]


def _flat_and_even(plane, begin, shape):
  """Returns for blocks of 8x8 pixels whether a plane is flat there, and round there as well.

  Args:
    plane: of the file.
    begin: row and column in pixels of a window.
    shape: its height and width in pixels, in whole units of the grid.
  Returns:
    Two of bool [height / 8, width / 8].
  """
  places, margins = [], []
  for first, length, factor, count in zip(
    begin, shape, plane.factors, plane.integers.shape, strict=False
  ):
    start, end = first // (BLOCK * factor) - 1, (first + length) // (BLOCK * factor) + 1
    places.append(slice(max(start, 0), min(end, count)))
    margins.append((max(-start, 0), max(end - count, 0)))
  # With a margin of one block; beyond the image its last blocks are repeated.
  near = plane.integers[tuple(places)].reshape(*(place.stop - place.start for place in places), 64)
  flat = np.pad(~near[..., 1:].any(axis=-1), margins, "edge")
  means = np.pad(near[..., 0], margins, "edge")
  inner = (slice(1, -1), slice(1, -1))
  even = flat[inner].copy()
  rows, columns = even.shape
  for row in range(3):
    for column in range(3):
      place = slice(row, row + rows), slice(column, column + columns)
      even &= flat[place] & (means[place] == means[inner])
  return (planes_lib.spread(mask, plane.factors) for mask in (flat[inner], even))
