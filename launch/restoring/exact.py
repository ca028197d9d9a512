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


def keep(levels, shown, coefficients, units, begin):
  """Gives blocks back, in place, whose pixels the JPEG shows as they were, to all appearance.

  Args:
    levels: float32 [C, units, pixels of a unit], restored.
    shown: the same, of the decoded JPEG.
    coefficients: of the whole file.
    units: of the window.
    begin: the first row and column in the image, multiples of the grid.
  """
  shape = units.rows * units.grid[0], units.columns * units.grid[1]
  flat, even = _flat_and_even(coefficients.planes[0], begin, shape)
  if not flat.any():
    return
  for plane in coefficients.planes[1:]:
    even = even & _flat_and_even(plane, begin, shape)[1]
  if not coefficients.is_one_colour:
    even = even & all(plane.steps[0, 0] <= _EXACT_STEP for plane in coefficients.planes)
  flat, even = units.of_blocks(flat), units.of_blocks(even)
  blocks, old = (image.reshape(len(image), *flat.shape, -1) for image in (levels, shown))
  found = old[:, flat]
  first = found[:, :, :1]
  pure = ((found == first) & ((first == planes_lib.LOWEST) | (first == planes_lib.HIGHEST))).all(
    axis=(0, 2)
  )
  kept = flat.copy()
  kept[flat] = pure | even[flat]
  blocks[:, kept] = old[:, kept]


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
  return _spread(flat[inner], plane.factors), _spread(even, plane.factors)


def _spread(mask, factors):
  """Returns a plane's values, one a block, repeated for each block of 8x8 pixels."""
  return mask.repeat(factors[0], axis=0).repeat(factors[1], axis=1)
