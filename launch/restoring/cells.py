"""Holds restored pixels to the quantisation cells of their JPEG, in NumPy.

A file holds, for each block and frequency, an integer k; its original's DCT coefficient c was
within half a step q of k q. These cells are a convex set and the DCT is orthonormal, so moving each
coefficient of a plane to the nearest point of its cell never increases the plane's squared error
(projection onto the constraint set: Zakhor, IEEE TCSVT 1992). With u = c / q - k, here follow

1. Trust: each block's correction, free output minus decoded JPEG, is weighed by how well the free
   output agrees with the file; see `trust`.
2. Expectation: u moves to a place inside the cell; see `expectation`.
3. Rounds: clipping to the range of pixels and projecting alternate, where pixels clip.

Luma, and chroma at its own resolution, are each treated so. A sample of subsampled chroma is the
mean of its pixels; its change is added to all of them alike. This is the pseudo-inverse of the
mean: the planes of the result are the projected planes, and the detail of chroma stays. Blocks that
reach over the image's border are completed as libjpeg's encoder does, projected and cut off.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from deblock.launch.restoring import exact, expectation, trust
from deblock.launch.restoring import planes as planes_lib
from deblock.records.jpeg import coefficients as jpeg_coefficients
from deblock.records.jpeg import sampling as jpeg_sampling

BLOCK = jpeg_sampling.BLOCK
# Side in pixels of what is worked on at a time: its planes fit into a processor's second cache.
_WINDOW = 288
# Rounds of clipping and projecting; in all but the last a projection overshoots by this factor,
# which takes fewer rounds. So many times, for what is still out of range by more than rounding.
_ROUNDS, _OVERSHOOT = 5, np.float32(1.9)
_TIMES, _NEARLY = 6, 0.5
# Luma guides the network to the detail of chroma below its resolution: it is trusted up to so many
# times the border.
_GUIDE = 3.0
# Coefficients end that far inside their cells: rounding pixels to 8 bits then moves few of them out
# again. Where pixels clip, most coefficients would lie at a border: farther.
_INSIDE, _INSIDE_CLIPPED = 0.5, np.float32(1.5)


class Held(NamedTuple):
  """A part of an image that is held to its cells.

  Attributes:
    image: float32 [h, w, 3] or [h, w], about [0, 1], which does not bound it.
    doubted: number of luma's blocks whose correction counts less than half.
    blocks: number of luma's blocks.
  """

  image: np.ndarray
  doubted: int
  blocks: int


def hold(
  free: np.ndarray,
  decoded: np.ndarray,
  coefficients: jpeg_coefficients.Coefficients,
  top: int = 0,
  left: int = 0,
) -> Held:
  """Returns a part of a restored image, held to the file's cells; parts are treated as the whole.

  Args:
    free: float32 [h, w, 3] in [0, 1] or so, or [h, w] gray: what a network makes of the part.
    decoded: uint8 of the same shape, the part of the decoded JPEG.
    coefficients: of the whole file.
    top: the part's first row in the image, a multiple of the coefficients' grid.
    left: its first column, the same.
  Raises:
    ValueError: if the part begins or ends within a block.
  """
  whole = coefficients.height, coefficients.width
  for first, length, grid, end in zip(
    (top, left), free.shape, coefficients.grid, whole, strict=False
  ):
    if first % grid or ((first + length) % grid and first + length != end):
      raise ValueError(
        f"a part must begin and end on multiples of {grid}, or where the image ends, got "
        f"{first} to {first + length} of {end}."
      )
  made = np.empty(free.shape, np.float32)
  doubted = blocks = 0
  for rows, columns in _windows(free.shape, coefficients.grid):
    made[rows, columns], weights = _held(
      free[rows, columns],
      decoded[rows, columns],
      coefficients,
      top + rows.start,
      left + columns.start,
    )
    doubted += int(np.count_nonzero(weights < 0.5))
    blocks += weights.size
  return Held(made, doubted, blocks)


def share_given_back(image: np.ndarray, coefficients: jpeg_coefficients.Coefficients) -> float:
  """Returns the share of a file's coefficients that compressing an image with its tables gives.

  Args:
    image: uint8 or uint16, [H, W, 3] or [H, W] gray, as large as the file's.
    coefficients: of the file.
  """
  scale = 255.0 / np.iinfo(image.dtype).max
  kept = total = 0
  for rows, columns in _windows(image.shape, coefficients.grid):
    window = image[rows, columns].astype(np.float32)
    planes = _planes_of(coefficients, rows.start, columns.start, window.shape)
    levels = _levels(window, scale, coefficients.grid)
    for samples, plane in zip(
      planes_lib.from_rgb(levels) if len(planes) == 3 else levels, planes, strict=True
    ):
      # Blocks without a pixel are only there to fill the grid.
      blocks = tuple(
        slice(-(-side // (BLOCK * factor)))
        for side, factor in zip(window.shape, plane.factors, strict=False)
      )
      away = np.abs(_away(samples, plane)[blocks])
      kept += int(np.count_nonzero(away <= 0.5))
      total += away.size
  return kept / total


def _windows(shape, grid) -> Iterator[tuple[slice, slice]]:
  (height, width), sides = shape[:2], [max(side, _WINDOW // side * side) for side in grid]
  for top in range(0, height, sides[0]):
    for left in range(0, width, sides[1]):
      yield (
        slice(top, min(top + sides[0], height)),
        slice(left, min(left + sides[1], width)),
      )


class _Plane(NamedTuple):
  """A plane of a window, in whole units of the grid.

  Attributes:
    integers: float32 [rows, columns, 64].
    steps: float32 [64].
    factors: pixels to a sample, down and across.
    rows: of samples that hold pixels.
    most: the largest weight of each block's correction, float32 [rows, columns].
    border: of trust, of each block, float32 [rows, columns].
    move: see `expectation.Mover`.
  """

  integers: np.ndarray
  steps: np.ndarray
  factors: tuple[int, int]
  rows: int
  most: np.ndarray
  border: np.ndarray
  move: expectation.Mover

  @property
  def sides(self) -> tuple[int, int]:
    """Height and width of a block in pixels."""
    return BLOCK * self.factors[0], BLOCK * self.factors[1]


def _planes_of(coefficients, top, left, shape) -> list[_Plane]:
  """Returns the planes of a window; blocks without a pixel repeat those beside them."""
  every = [_blocks(plane, coefficients.grid, (top, left), shape) for plane in coefficients.planes]
  strong = _are_strong(coefficients.planes, every)
  made: list[_Plane] = []
  for index, (plane, integers) in enumerate(zip(coefficients.planes, every, strict=True)):
    steps = plane.steps.astype(np.float32).ravel()
    kind = trust.kind(index > 0, plane.factors)
    most = trust.most(integers, steps, kind, strong)
    if index and coefficients.is_colourless:
      # A gray image stays gray.
      most[:] = 0.0
    rows = -(-shape[0] // plane.factors[0])
    move = expectation.Mover(steps, kind, _INSIDE)
    border = trust.border(integers, steps, kind)
    made.append(_Plane(integers, steps, plane.factors, rows, most, border, move))
  return made


def _are_strong(planes, integers):
  """Returns where luma is flat and the colour strong, for each block of chroma; see `trust`."""
  if len(planes) < 3 or planes[0].factors != (1, 1) or planes[1].factors != planes[2].factors:
    # Gray, or what is rare: chroma finer than luma, or of two resolutions.
    return np.zeros((), bool)
  down, across = planes[1].factors
  every = trust.is_flat(integers[0])
  rows, columns = every.shape
  flat = every.reshape(rows // down, down, columns // across, across).all(axis=(1, 3))
  means = (
    whole[..., 0] * np.float32(plane.steps[0, 0] / BLOCK)
    for plane, whole in zip(planes[1:], integers[1:], strict=True)
  )
  return flat & trust.is_strong(*means)


def _blocks(plane, grid, begin, shape):
  """Returns the integers of a window's blocks, float32 [rows, columns, 64]."""
  places, missing = [], []
  for first, length, unit, factor, count in zip(
    begin, shape, grid, plane.factors, plane.integers.shape, strict=False
  ):
    start, end = (place // (BLOCK * factor) for place in (first, first + -(-length // unit) * unit))
    places.append(slice(start, min(end, count)))
    missing.append((0, max(0, end - count)))
  integers = plane.integers[tuple(places)].astype(np.float32)
  integers = integers.reshape(*integers.shape[:2], BLOCK * BLOCK)
  return np.pad(integers, [*missing, (0, 0)], "edge") if np.any(missing) else integers


def _levels(image, scale, grid):
  """Returns float32 [C, H, W] in levels, in whole units of the grid: edges are repeated."""
  margins = [(0, -side % unit) for side, unit in zip(image.shape, grid, strict=False)]
  channels = image[np.newaxis] if image.ndim == 2 else image.transpose(2, 0, 1)
  levels = channels * np.float32(scale)
  np.clip(levels, 0.0, 255.0, out=levels)
  if margins != [(0, 0), (0, 0)]:
    levels = np.pad(levels, [(0, 0), *margins], "edge")
  return np.ascontiguousarray(levels)


def _away(samples, plane):
  """Returns how far a plane's coefficients are from the middles of their cells, in steps."""
  away = planes_lib.forward(planes_lib.downsample(samples, plane.factors, plane.rows))
  away[..., 0] -= planes_lib.CENTRE * BLOCK
  away *= 1 / plane.steps
  away -= plane.integers
  return away


def _held(free, decoded, coefficients, top, left):
  """Returns a window that is held, and the weights of luma's blocks."""
  planes = _planes_of(coefficients, top, left, free.shape)
  freed, shown = (
    _levels(image, scale, coefficients.grid) for image, scale in ((free, 255.0), (decoded, 1.0))
  )
  colour = len(planes) == 3
  made, before = (planes_lib.from_rgb(x) if colour else x for x in (freed, shown))
  every_weight, guide = [], None
  for samples, old, plane in zip(made, before, planes, strict=True):
    away = _away(samples, plane)
    if guide is None:
      guide = planes_lib.spread(trust.weights(away, _GUIDE * plane.border), plane.sides)
    weights = trust.weights(away, plane.border) * plane.most
    every_weight.append(weights)
    _move(samples, old, away, weights, guide, plane)
  levels = planes_lib.to_rgb(made) if colour else made
  _project_clipped(levels, planes, coefficients.grid)
  exact.keep(levels, shown, coefficients, top, left)
  height, width = free.shape[:2]
  image = levels[:, :height, :width] * np.float32(1 / 255)
  rows, columns = (
    -(-side // unit) for side, unit in zip((height, width), planes[0].sides, strict=True)
  )
  return image.transpose(1, 2, 0) if colour else image[0], every_weight[0][:rows, :columns]


def _move(samples, old, away, weights, guide, plane):
  """Moves one plane's samples of every pixel, in place: first by trust, then to the expectation."""
  away_before = _away(old, plane)
  away -= away_before
  away *= weights[..., np.newaxis]
  away += away_before
  change = plane.move(away, np.abs(plane.integers) > 1)
  change -= away
  change *= plane.steps
  samples -= old
  if plane.factors != (1, 1):
    # No cell binds what lies below the resolution of chroma, where luma guides the network: it
    # counts as much as luma is trusted.
    means = planes_lib.downsample(samples, plane.factors, plane.rows)
    means = planes_lib.spread(means, plane.factors)
    samples -= means
    samples *= guide
    samples += means
  samples *= planes_lib.spread(weights, plane.sides)
  samples += old
  samples += planes_lib.spread(planes_lib.inverse(change), plane.factors)


def _project_clipped(levels, planes, grid):
  """Clips and projects by turns, in place, the units of the grid with pixels out of range."""
  channels, height, width = levels.shape
  units = levels.reshape(channels, height // grid[0], grid[0], width // grid[1], grid[1])
  units = units.transpose(0, 1, 3, 2, 4)
  places = np.nonzero(_is_out_of_range(units, 0.0).any(axis=(0, 3, 4)))
  for _ in range(_TIMES):
    if not places[0].size:
      break
    chosen = [_chosen(plane, places, grid) for plane in planes]
    image = _rounds(units[:, places[0], places[1]], chosen, grid)
    units[:, places[0], places[1]] = image
    still = _is_out_of_range(image, _NEARLY).any(axis=(0, 2, 3))
    places = places[0][still], places[1][still]


def _is_out_of_range(levels, tolerance):
  return (levels < -tolerance) | (levels > 255.0 + tolerance)


def _rounds(units, planes, grid):
  """Returns units of an image, float32 [C, N, *grid], after some rounds."""
  channels, count = units.shape[:2]
  # One below the other, they are an image of their own.
  image = units.reshape(channels, count * grid[0], grid[1])
  for number in range(_ROUNDS):
    np.clip(image, 0.0, 255.0, out=image)
    made = planes_lib.from_rgb(image) if channels == 3 else image
    for samples, plane in zip(made, planes, strict=True):
      away = _away(samples, plane)
      most = np.maximum(np.float32(0.5) - _INSIDE_CLIPPED / plane.steps, 0.0)
      change = np.clip(away, -most, most)
      change -= away
      change *= plane.steps * (_OVERSHOOT if number < _ROUNDS - 1 else np.float32(1.0))
      samples += planes_lib.spread(planes_lib.inverse(change), plane.factors)
    image = planes_lib.to_rgb(made) if channels == 3 else made
  return image.reshape(units.shape)


def _chosen(plane, places, grid):
  """Returns the units of a plane at places, rows and columns, one below the other."""
  rows, columns = (side // block for side, block in zip(grid, plane.sides, strict=True))
  shape = len(plane.integers) // rows, rows, -1, columns, BLOCK * BLOCK
  integers = plane.integers.reshape(shape).swapaxes(1, 2)[places]
  integers = integers.reshape(-1, columns, BLOCK * BLOCK)
  return plane._replace(integers=integers, rows=len(integers) * BLOCK)
