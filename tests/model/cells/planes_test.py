import numpy as np
import pytest
import tensorflow as tf

from deblock.model.cells import planes
from deblock.pipeline import chroma
from deblock.records.jpeg import sampling as jpeg_sampling

SIZES = [(16, 16), (17, 35), (1, 1), (2, 5)]


def _random(height, width, seed=0):
  return np.random.default_rng(seed).integers(0, 256, (2, height, width), np.int64)


def test_colours_are_those_of_libjpeg_before_it_rounds():
  images = np.random.default_rng(0).integers(0, 256, (2, 9, 7, 3), np.uint8)
  luma, colours = chroma.from_rgb(tf.constant(images))
  expected = [luma.numpy(), *np.split(colours.numpy(), 2, axis=1)]
  for made, whole in zip(planes.from_rgb(images / np.float64(255)), expected, strict=True):
    assert np.abs(made.numpy() - whole.transpose(1, 0, 2)).max() < 0.51


def test_a_change_of_planes_is_a_change_of_the_image():
  random = np.random.default_rng(0)
  before, after = random.uniform(size=(2, 2, 5, 6, 3))
  changes = [
    one - other for one, other in zip(planes.from_rgb(after), planes.from_rgb(before), strict=True)
  ]
  np.testing.assert_allclose(planes.to_rgb_change(*changes).numpy(), after - before, atol=1e-12)


@pytest.mark.parametrize("subsampling", jpeg_sampling.FACTORS)
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_samples_are_those_of_libjpeg_before_it_rounds(subsampling, height, width):
  pixels = _random(height, width)
  expected = chroma.downsample(tf.constant(pixels.transpose(1, 0, 2), tf.float32), subsampling)
  expected = chroma.repeat_last(expected, 0, 8).numpy().transpose(1, 0, 2)
  made = planes.downsample(tf.constant(pixels, tf.float32), subsampling).numpy()
  expected = np.pad(expected, ((0, 0), (0, 0), (0, -expected.shape[2] % 8)), "edge")
  assert made.shape == expected.shape
  assert np.abs(made - expected).max() <= 0.75


@pytest.mark.parametrize("subsampling", jpeg_sampling.FACTORS)
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_sampling_finds_what_was_spread(subsampling, height, width):
  rows, columns = (
    -(-side // by)
    for side, by in zip((height, width), jpeg_sampling.FACTORS[subsampling], strict=True)
  )
  samples = tf.constant(_random(rows, columns), tf.float32)
  wide = planes.spread(samples, subsampling, height, width)
  assert wide.shape == (2, height, width)
  found = planes.downsample(wide, subsampling)[:, :rows, :columns]
  np.testing.assert_array_equal(found.numpy(), samples.numpy())


@pytest.mark.parametrize("subsampling", jpeg_sampling.FACTORS)
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_the_decoders_smoothing_is_undone(subsampling, height, width):
  rows, columns = (
    -(-side // by)
    for side, by in zip((height, width), jpeg_sampling.FACTORS[subsampling], strict=True)
  )
  # Large multiples, beside which the decoder's rounding is nothing.
  samples = _random(rows, columns)
  smooth = chroma.upsample(
    tf.constant(2048 * samples.transpose(1, 0, 2), tf.float32), height, width, subsampling
  )
  shape = [2, None, None]
  unsmoothed = tf.function(
    lambda values: planes.without_smoothing(values, subsampling),
    input_signature=[tf.TensorSpec(shape, tf.float32)],
  )
  found = unsmoothed(tf.transpose(smooth, [1, 0, 2])) / 2048
  assert found.shape == samples.shape
  np.testing.assert_allclose(found.numpy(), samples, atol=5e-3)


def test_unknown_subsampling_is_refused():
  with pytest.raises(ValueError, match="must be one of 420, 422, 444, got '411'"):
    jpeg_sampling.check("411")
