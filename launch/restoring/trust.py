"""How much of a network's correction counts, block by block, by what the JPEG's file says of it.

A network's free output lies in the quantisation cells, or near them, where the network is right. On
contents that it has not seen, such as comics and dithers, it lies far outside. Luma and chroma are
weighed apart. Two kinds of blocks tell little by their cells, and count less: see `most`.

None of it counts where the JPEG already shows the image as it was, to all appearance. These are
blocks that the file holds as flat and that are pure black or white; and, if the steps of means are
small or the whole image is of one colour, blocks in flat areas of one colour.
"""

import numpy as np

from deblock.launch.restoring import planes as planes_lib
from deblock.records.jpeg import sampling as jpeg_sampling

# The border of trust is a / (1 + (q / b)^c) for a geometric mean of the plane's steps of q: the
# smaller the steps, the more of them is even a good network off. a, b and c of luma, of whole and
# of subsampled chroma are fitted to where the gain of blocks of photographs and of graphics at
# quality 10 to 95 changes its sign.
_BORDERS = {"luma": (0.13, 50.0, 1.8), "whole": (0.07, 40.0, 1.0), "sampled": (0.18, 30.0, 1.5)}
# Where the file holds luma and chroma as flat, nothing but the network says which colour lies
# inside the cells. Most colours of photographs are pale. The network is right up to this distance
# from gray, in levels; farther out, this share of chroma's correction is left out.
_PALE, _STRONG = 16.0, np.float32(0.4)
# Of fine steps, up to this geometric mean, blocks with few coefficients besides the first are known
# to about a level, and the network is worse than the file on edges and ramps of drawings. Up to
# _RAMP of them, a share of the correction is left out; up to _FULL, luma's border is the lower the
# fewer there are.
_FINE_STEPS, _RAMP, _OF_RAMPS, _FULL = 10.0, 2, np.float32(0.8), 31
# Up to this step of the mean, an area that is flat in the file is known to half a level, and mostly
# exactly.
_EXACT_STEP = 16


def weights(away: np.ndarray, border: np.ndarray) -> np.ndarray:
  """Returns the weight of each block's correction, 0 to 1, by how far its free output is outside.

  With v the mean over the block's 64 coefficients of max(|u| - 1/2, 0), the weight falls from 1 at
  half of the border to 0 at three halves of it.

  Args:
    away: float32 [rows, columns, 64], u of the free output: its distance from the middle of the
      cell, in steps.
    border: float32 [rows, columns], as `border` returns it.
  Returns:
    float32 [rows, columns].
  """
  outside = np.abs(away)
  outside -= np.float32(0.5)
  np.maximum(outside, np.float32(0.0), out=outside)
  return np.clip(np.float32(1.5) - outside.mean(axis=-1) / border, 0.0, 1.0)


def kind(is_chroma: bool, factors: tuple[int, int]) -> str:
  """Returns a plane's kind: "luma", or "whole" or "sampled" chroma."""
  return ("whole" if factors == (1, 1) else "sampled") if is_chroma else "luma"


def border(integers: np.ndarray, steps: np.ndarray, plane_kind: str) -> np.ndarray:
  """Returns the v from which on corrections lose as much as they gain, of each block.

  Args:
    integers: float32 [rows, columns, 64], the plane's quantised coefficients.
    steps: float32 [64].
    plane_kind: as `kind` returns it.
  Returns:
    float32 [rows, columns].
  """
  greatest, step, power = _BORDERS[plane_kind]
  made = np.full(integers.shape[:2], greatest / (1.0 + (_mean(steps) / step) ** power), np.float32)
  if plane_kind == "luma" and _mean(steps) <= _FINE_STEPS:
    made *= np.minimum((1 + _count(integers)) * np.float32(1 / (1 + _FULL)), 1.0)
  return made


def most(
  integers: np.ndarray, steps: np.ndarray, plane_kind: str, strong: np.ndarray
) -> np.ndarray:
  """Returns the largest weight of each block.

  Args:
    integers: float32 [rows, columns, 64], the plane's quantised coefficients.
    steps: float32 [64].
    plane_kind: as `kind` returns it.
    strong: bool [rows, columns], of chroma: where luma is flat in the file, at the plane's
      resolution, and the colour strong.
  Returns:
    float32 [rows, columns].
  """
  made = np.ones(integers.shape[:2], np.float32)
  if plane_kind != "sampled" and _mean(steps) <= _FINE_STEPS:
    made -= _OF_RAMPS * (_count(integers) <= _RAMP)
  if plane_kind != "luma":
    made *= 1 - _STRONG * (strong & is_flat(integers))
  return made


def is_strong(first: np.ndarray, second: np.ndarray) -> np.ndarray:
  """Returns where a colour is far from gray, bool, of both chroma's means in levels around 0."""
  return np.hypot(first, second) >= _PALE


def is_flat(integers: np.ndarray) -> np.ndarray:
  """Returns which blocks have no coefficient but the first, bool [rows, columns]."""
  return np.logical_not(integers[..., 1:].any(axis=-1))


def _count(integers):
  return np.count_nonzero(integers[..., 1:], axis=-1)


def _mean(steps):
  return float(np.exp(np.mean(np.log(steps))))


def keep_exact(levels, shown, coefficients, units, begin):
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
    start, end = (
      first // (jpeg_sampling.BLOCK * factor) - 1,
      (first + length) // (jpeg_sampling.BLOCK * factor) + 1,
    )
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
