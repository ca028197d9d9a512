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

from deblock.launch.restoring import planes as planes_lib
from deblock.launch.restoring import trust
from deblock.launch.restoring import window as window_lib
from deblock.records.jpeg import coefficients as jpeg_coefficients
from deblock.records.jpeg import sampling as jpeg_sampling

BLOCK = jpeg_sampling.BLOCK
# Side in pixels of what is worked on at a time. The calls of NumPy for a smaller window take longer
# than their work; of a larger one the planes fit into no cache.
_WINDOW = 528
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
  constants = window_lib.constants(coefficients, _INSIDE)
  for rows, columns in _windows(free.shape, coefficients.grid):
    place = top + rows.start, left + columns.start
    made[rows, columns], weights = _held(
      free[rows, columns], decoded[rows, columns], coefficients, constants, place
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
  constants = window_lib.constants(coefficients, _INSIDE)
  for rows, columns in _windows(image.shape, coefficients.grid):
    window = image[rows, columns]
    place = rows.start, columns.start
    planes = window_lib.planes(coefficients, constants, place, window.shape)
    levels = _levels(planes[0].units, window, scale)
    for pixels, plane in zip(
      planes_lib.from_rgb(levels) if len(planes) == 3 else levels, planes, strict=True
    ):
      away = np.abs(plane.within(plane.away(pixels), window.shape))
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


def _levels(units, image, scale):
  levels = units.cut(image, scale)
  levels -= planes_lib.CENTRE
  return levels


def _held(free, decoded, coefficients, constants, begin):
  """Returns a window that is held, and the weights of luma's blocks."""
  planes = window_lib.planes(coefficients, constants, begin, free.shape)
  units = planes[0].units
  freed, shown = _levels(units, free, 255.0), _levels(units, decoded, 1.0)
  _clip(freed)
  colour = len(planes) == 3
  made, before = (planes_lib.from_rgb(x) if colour else x for x in (freed, shown))
  every_weight, guide = [], None
  for pixels, old, plane in zip(made, before, planes, strict=True):
    away = plane.away(pixels)
    if guide is None:
      guide = trust.weights(away, _GUIDE * plane.border)
      guide = units.spread(guide, plane.constants.factors)
    weights = trust.weights(away, plane.border) * plane.most
    every_weight.append(weights)
    pixels[:] = _moved(pixels, old, away, weights, guide, plane)
  levels = planes_lib.to_rgb(made) if colour else made
  _project_clipped(levels, planes)
  trust.keep_exact(levels, shown, coefficients, units, begin)
  height, width = free.shape[:2]
  levels += planes_lib.CENTRE
  image = units.joined(levels, 1 / 255)[:height, :width]
  return image if colour else image[..., 0], planes[0].within(every_weight[0], free.shape)


def _moved(pixels, old, away, weights, guide, plane):
  """Returns one plane of every pixel, moved first by trust, then to the expectation.

  Args:
    pixels: float32 [units, pixels], of the free output.
    old: the same, of the JPEG.
    away: of `pixels`, which changes.
    weights: of the correction of each of the plane's blocks.
    guide: the weight of what lies below the plane's resolution, of each block of pixels.
    plane: of the window.
  """
  factors, maps = plane.constants.factors, plane.constants.maps
  sampled = factors != (1, 1)
  correction = None
  if sampled or (weights < 1.0).any():
    away_before = plane.away(old)
    away -= away_before
    correction = maps.inverse(away) if sampled else None
    away *= weights[..., np.newaxis]
    away += away_before
  target = plane.constants.move(away, np.abs(plane.integers) > 1)
  if not sampled:
    target += plane.integers
    return maps.inverse(target)
  # No cell binds what lies below the resolution of chroma, where luma guides the network: it counts
  # as much as luma is trusted.
  detail = pixels - old
  detail -= correction
  shares = guide * plane.units.spread(weights, factors)
  blocks = detail.reshape(*shares.shape, BLOCK * BLOCK)
  blocks *= shares[..., np.newaxis]
  detail += old
  target -= away_before
  detail += maps.inverse(target)
  return detail


def _project_clipped(levels, planes):
  """Clips and projects by turns, in place, the units with pixels out of range."""
  places = np.nonzero(_is_out_of_range(levels, 0.0))[0]
  for _ in range(_TIMES):
    if not places.size:
      break
    chosen = [plane._replace(integers=plane.integers[places]) for plane in planes]
    image = _rounds(levels[:, places], chosen)
    levels[:, places] = image
    places = places[_is_out_of_range(image, _NEARLY)]


def _is_out_of_range(levels, tolerance):
  """Returns which units hold levels out of range, bool [units]."""
  least, most = (of(axis=(0, 2)) for of in (levels.min, levels.max))
  return (least < planes_lib.LOWEST - tolerance) | (most > planes_lib.HIGHEST + tolerance)


def _clip(levels):
  np.clip(levels, planes_lib.LOWEST, planes_lib.HIGHEST, out=levels)


def _rounds(image, planes):
  """Returns units of an image, float32 [C, N, pixels], after some rounds."""
  for number in range(_ROUNDS):
    _clip(image)
    made = planes_lib.from_rgb(image) if len(image) == 3 else image
    for pixels, plane in zip(made, planes, strict=True):
      away = plane.away_of_whole(pixels)
      most = np.maximum(np.float32(0.5) - _INSIDE_CLIPPED / plane.constants.steps, 0.0)
      change = np.clip(away, -most, most)
      change -= away
      if number < _ROUNDS - 1:
        change *= _OVERSHOOT
      pixels += plane.constants.maps.inverse(change)
    image = planes_lib.to_rgb(made) if len(image) == 3 else made
  return image
