import numpy as np
import pytest
from scipy import fft

from deblock.launch.restoring import planes

_PLANE = np.random.default_rng(0).uniform(-128, 127, (32, 24)).astype(np.float32)


def test_coefficients_are_those_of_scipy_block_by_block():
  made = planes.forward(_PLANE)
  assert made.shape == (4, 3, 64) and made.dtype == np.float32
  for row, column in np.ndindex(4, 3):
    block = _PLANE[8 * row : 8 * row + 8, 8 * column : 8 * column + 8]
    expected = fft.dctn(block, norm="ortho").ravel()
    np.testing.assert_allclose(made[row, column], expected, atol=2e-3)


@pytest.mark.parametrize("shape", [(8, 8), (24, 8), (80, 104), (64, 64)])
def test_the_inverse_undoes_it(shape):
  plane = np.random.default_rng(1).uniform(0, 255, shape).astype(np.float32)
  np.testing.assert_allclose(planes.inverse(planes.forward(plane)), plane, atol=1e-3)


def test_colours_are_those_of_the_standard_and_come_back():
  rgb = np.random.default_rng(2).uniform(0, 255, (3, 8, 16)).astype(np.float32)
  luma, cb, cr = planes.from_rgb(rgb)
  np.testing.assert_allclose(luma, 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2], atol=1e-3)
  np.testing.assert_allclose(cb, 0.5 * (rgb[2] - luma) / (1 - 0.114) + 128, atol=1e-3)
  np.testing.assert_allclose(cr, 0.5 * (rgb[0] - luma) / (1 - 0.299) + 128, atol=1e-3)
  np.testing.assert_allclose(planes.to_rgb(np.stack([luma, cb, cr])), rgb, atol=1e-3)


@pytest.mark.parametrize("factors", [(1, 1), (1, 2), (2, 2), (2, 1), (1, 4), (3, 1)])
def test_samples_are_means_and_spreading_a_change_changes_the_means_by_it(factors):
  down, across = factors
  plane = np.random.default_rng(3).uniform(0, 255, (16 * down, 8 * across)).astype(np.float32)
  samples = planes.downsample(plane.copy(), factors, 16)
  for row, column in ((0, 0), (15, 7)):
    pixels = plane[row * down : (row + 1) * down, column * across : (column + 1) * across]
    np.testing.assert_allclose(samples[row, column], pixels.mean(), rtol=1e-5)
  change = np.random.default_rng(4).normal(size=samples.shape).astype(np.float32)
  after = planes.downsample(plane + planes.spread(change, factors), factors, 16)
  np.testing.assert_allclose(after, samples + change, atol=1e-3)


def test_below_the_image_the_last_sample_is_repeated():
  plane = np.arange(32, dtype=np.float32)[:, np.newaxis].repeat(16, 1)
  made = planes.downsample(plane, (2, 2), 11)
  np.testing.assert_array_equal(made[:11, 0], np.arange(0.5, 22, 2))
  assert (made[11:] == 20.5).all()
