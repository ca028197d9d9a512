"""The planes of a part of a JPEG, and how far pixels are from their coefficients."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from deblock.launch.restoring import expectation, trust
from deblock.launch.restoring import planes as planes_lib
from deblock.records.jpeg import coefficients as jpeg_coefficients
from deblock.records.jpeg import sampling as jpeg_sampling

BLOCK = jpeg_sampling.BLOCK


class Constants(NamedTuple):
  """What holds for all windows of a plane.

  Attributes:
    factors: pixels to a sample, down and across.
    kind: of the plane, as `trust.kind` returns it.
    steps: float32 [64].
    maps: between pixels and coefficients in steps.
    move: see `expectation.Mover`.
  """

  factors: tuple[int, int]
  kind: str
  steps: np.ndarray
  maps: planes_lib.Maps
  move: expectation.Mover


class Plane(NamedTuple):
  """A plane of a window, in whole units of the grid.

  Attributes:
    units: of the window.
    integers: float32 [units, blocks, 64].
    constants: of the plane.
    rows: of samples that hold pixels.
    most: the largest weight of each block's correction, float32 [units, blocks].
    border: of trust, of each block, float32 [units, blocks].
  """

  units: planes_lib.Units
  integers: np.ndarray
  constants: Constants
  rows: int
  most: np.ndarray
  border: np.ndarray

  def away(self, pixels):
    """Returns how far coefficients are from the middles of their cells, in steps.

    Args:
      pixels: float32 [units, pixels of a unit].
    Returns:
      float32 [units, blocks, 64].
    """
    completed = self.units.completed(pixels, self.constants.factors, self.rows)
    return self.away_of_whole(completed)

  def away_of_whole(self, pixels):
    """Returns the same of units that hold pixels everywhere."""
    away = self.constants.maps.forward(pixels)
    away -= self.integers
    return away

  def within(self, values, shape):
    """Returns values of blocks as [rows, columns, ...], without blocks that hold no pixel."""
    factors = self.constants.factors
    rows, columns = (
      -(-side // (BLOCK * factor)) for side, factor in zip(shape, factors, strict=False)
    )
    return self.units.to_blocks(values, factors)[:rows, :columns]


def constants(coefficients: jpeg_coefficients.Coefficients, inside: float) -> list[Constants]:
  """Returns what holds for all windows of a file's planes.

  Args:
    coefficients: of the whole file.
    inside: how far inside its cell, in levels, a coefficient ends at least.
  """
  made = []
  for index, plane in enumerate(coefficients.planes):
    steps = plane.steps.astype(np.float32).ravel()
    kind = trust.kind(index > 0, plane.factors)
    maps = planes_lib.maps(coefficients.grid, plane.factors, steps)
    move = expectation.Mover(steps, kind, inside)
    made.append(Constants(plane.factors, kind, steps, maps, move))
  return made


def planes(
  coefficients: jpeg_coefficients.Coefficients,
  of_planes: Sequence[Constants],
  begin: tuple[int, int],
  shape: tuple[int, ...],
) -> list[Plane]:
  """Returns the planes of a window; blocks without a pixel repeat those beside them.

  Args:
    coefficients: of the whole file.
    of_planes: what `constants` returns.
    begin: the window's first row and column in the image, multiples of the grid.
    shape: its height and width in pixels.
  """
  rows, columns = (-(-side // unit) for side, unit in zip(shape, coefficients.grid, strict=False))
  units = planes_lib.Units(rows, columns, coefficients.grid)
  every = [
    units.of_blocks(_blocks(plane, coefficients.grid, begin, shape))
    for plane in coefficients.planes
  ]
  strong = _are_strong(of_planes, every, units)
  made: list[Plane] = []
  for each, integers in zip(of_planes, every, strict=True):
    most = trust.most(integers, each.steps, each.kind, strong)
    if made and coefficients.is_colourless:
      # A gray image stays gray.
      most[:] = 0.0
    border = trust.border(integers, each.steps, each.kind)
    made.append(Plane(units, integers, each, -(-shape[0] // each.factors[0]), most, border))
  return made


def _are_strong(of_planes, integers, units):
  """Returns where luma is flat and the colour strong, for each block of chroma; see `trust`."""
  if (
    len(of_planes) < 3
    or of_planes[0].factors != (1, 1)
    or of_planes[1].factors != of_planes[2].factors
  ):
    # Gray, or what is rare: chroma finer than luma, or of two resolutions.
    return np.zeros((), bool)
  (rows, columns), (down, across) = units.blocks, of_planes[1].factors
  flat = trust.is_flat(integers[0]).reshape(-1, rows // down, down, columns // across, across)
  means = (
    whole[..., 0] * (plane.steps[0] / BLOCK)
    for plane, whole in zip(of_planes[1:], integers[1:], strict=True)
  )
  return flat.all(axis=(2, 4)).reshape(len(integers[0]), -1) & trust.is_strong(*means)


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
