import numpy as np
import pytest
from scipy import fft

from deblock.launch.restoring import planes

_RANDOM = np.random.default_rng(0)


def _cut(plane, grid):
  units = planes.Units(plane.shape[0] // grid[0], plane.shape[1] // grid[1], grid)
  return units, units.cut(plane, 1.0)[0]


def _means(plane, down, across):
  height, width = plane.shape
  return plane.reshape(height // down, down, width // across, across).mean(axis=(1, 3))


@pytest.mark.parametrize("factors", [(1, 1), (1, 2), (2, 2), (2, 1), (1, 4), (3, 1)])
@pytest.mark.parametrize("more", [(1, 1), (2, 1), (1, 2)])
def test_coefficients_are_those_of_scipy_block_by_block(factors, more):
  """Units may hold several blocks of a plane, as where another plane is sampled less."""
  grid = tuple(8 * factor * times for factor, times in zip(factors, more, strict=True))
  plane = _RANDOM.uniform(-128, 127, (2 * grid[0], 3 * grid[1])).astype(np.float32)
  units, pixels = _cut(plane, grid)
  steps = 1.0 + np.arange(64)
  made = units.to_blocks(planes.maps(grid, factors, steps).forward(pixels), factors)
  samples = _means(plane, *factors)
  assert made.shape == (samples.shape[0] // 8, samples.shape[1] // 8, 64)
  for row, column in np.ndindex(made.shape[:2]):
    block = samples[8 * row : 8 * row + 8, 8 * column : 8 * column + 8]
    expected = fft.dctn(block, norm="ortho").ravel() / steps
    np.testing.assert_allclose(made[row, column], expected, atol=2e-3)


@pytest.mark.parametrize("factors", [(1, 1), (1, 2), (2, 2), (2, 1), (1, 4), (3, 1)])
def test_a_change_of_coefficients_changes_the_coefficients_by_it(factors):
  grid = 8 * factors[0], 8 * factors[1]
  plane = _RANDOM.uniform(0, 255, (9 * grid[0], 8 * grid[1])).astype(np.float32)
  units, pixels = _cut(plane, grid)
  maps = planes.maps(grid, factors, 1.0 + np.arange(64) % 7)
  before = maps.forward(pixels)
  change = _RANDOM.normal(size=before.shape).astype(np.float32)
  spread = maps.inverse(change)
  np.testing.assert_allclose(maps.forward(pixels + spread), before + change, atol=2e-3)
  image = units.joined(spread[np.newaxis], 1.0)[..., 0]
  # All pixels of a sample change alike.
  repeated = _means(image, *factors).repeat(factors[0], 0).repeat(factors[1], 1)
  np.testing.assert_allclose(image, repeated, atol=1e-3)


@pytest.mark.parametrize("shape", [(32, 24), (32, 24, 3), (19, 9), (17, 24, 3)])
def test_what_is_cut_and_joined_is_the_image_with_its_edges_repeated(shape):
  image = _RANDOM.integers(0, 256, shape).astype(np.uint8)
  units = planes.Units(2, 3, (16, 8))
  levels = units.cut(image, 2.0)
  assert levels.shape == (3 if len(shape) == 3 else 1, 6, 128) and levels.dtype == np.float32
  padded = np.pad(image, [(0, 32 - shape[0]), (0, 24 - shape[1]), (0, 0)][: len(shape)], "edge")
  np.testing.assert_array_equal(units.joined(levels, 0.5), padded.reshape(32, 24, -1))
  blocks = np.arange(12).reshape(4, 3)
  np.testing.assert_array_equal(units.to_blocks(units.of_blocks(blocks), (1, 1)), blocks)


def test_a_value_of_a_plane_holds_for_all_blocks_of_its_pixels():
  units = planes.Units(1, 2, (16, 32))
  values = np.arange(4).reshape(1, 4)
  spread = units.to_blocks(units.spread(units.of_blocks(values), (2, 2)), (1, 1))
  np.testing.assert_array_equal(spread, values.repeat(2, 0).repeat(2, 1))


def test_colours_are_those_of_the_standard_and_come_back():
  rgb = np.random.default_rng(2).uniform(0, 255, (3, 8, 16)).astype(np.float32)
  luma, cb, cr = planes.from_rgb(rgb)
  np.testing.assert_allclose(luma, 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2], atol=1e-3)
  np.testing.assert_allclose(cb, 0.5 * (rgb[2] - luma) / (1 - 0.114), atol=1e-3)
  np.testing.assert_allclose(cr, 0.5 * (rgb[0] - luma) / (1 - 0.299), atol=1e-3)
  np.testing.assert_allclose(planes.to_rgb(np.stack([luma, cb, cr])), rgb, atol=1e-3)


def test_below_the_image_the_last_sample_is_repeated():
  plane = np.arange(32, dtype=np.float32)[:, np.newaxis].repeat(32, 1)
  units, pixels = _cut(plane, (16, 16))
  completed = units.joined(units.completed(pixels, (2, 2), 11)[np.newaxis], 1.0)[..., 0]
  made = _means(completed, 2, 2)
  np.testing.assert_array_equal(made[:11, 0], np.arange(0.5, 22, 2))
  assert (made[11:] == 20.5).all()
  for factors, rows in (((1, 1), 20), ((1, 2), 20), ((2, 2), 16)):
    assert units.completed(pixels, factors, rows) is pixels
