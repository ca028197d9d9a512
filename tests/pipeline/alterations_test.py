import itertools

import numpy as np
from PIL import Image
import pytest
from scipy import stats
import tensorflow as tf

from deblock.pipeline import alterations, seeds
from deblock.records.jpeg import codec
from deblock.records.jpeg import sampling as jpeg_sampling

_NOISE = np.random.default_rng(0).integers(0, 256, (40, 50, 3)).astype(np.uint8)
_EXTREMES = np.array(list(itertools.product((0, 1, 128, 254, 255), repeat=3)), np.uint8)


def _inside(function, *arguments):
  """Returns what a function makes of its arguments inside a dataset."""
  (made,) = tf.data.Dataset.from_tensors(arguments).map(function).as_numpy_iterator()
  return made


@pytest.mark.parametrize("image", [_NOISE, _EXTREMES[np.newaxis]])
def test_gray_is_the_luma_of_jpeg_three_times(image):
  found = alterations.gray(tf.constant(image))
  assert (found.dtype, found.shape) == (tf.uint8, image.shape)
  np.testing.assert_array_equal(found, np.repeat(codec.to_gray(image), 3, axis=2))
  np.testing.assert_array_equal(_inside(alterations.gray, image), found)


def test_jpeg_leaves_the_same_of_three_equal_channels_as_of_one():
  gray = codec.to_gray(_NOISE)
  alone = codec.decode(codec.encode(gray, 40))
  for subsampling in jpeg_sampling.FACTORS:
    stream = codec.encode(np.repeat(gray, 3, axis=2), 40, subsampling)
    np.testing.assert_array_equal(codec.decode(stream), alone)


def test_an_order_names_the_old_channel_of_each_new_one():
  order = np.array([2, 0, 1], np.int32)
  found = alterations.reordered(tf.constant(_NOISE), tf.constant(order))
  assert (found.dtype, found.shape) == (tf.uint8, _NOISE.shape)
  np.testing.assert_array_equal(found, _NOISE[..., order])
  np.testing.assert_array_equal(_inside(alterations.reordered, _NOISE, order), found)


def test_the_six_orders_have_equal_chance():
  orders = alterations.random_orders(3000, seeds.derive(0, 1)).numpy()
  found, counts = np.unique(orders, axis=0, return_counts=True)
  assert sorted(map(tuple, found)) == list(itertools.permutations(range(3)))
  assert stats.chisquare(counts).pvalue > 1e-3


@pytest.mark.parametrize(
  ("contrast", "brightness"), [(1.0, 0.0), (0.8, 0.0), (1.2, -25.5), (1.0, 255.0), (0.0, -40.0)]
)
def test_tones_are_those_of_the_formula_clipped(contrast, brightness):
  found = alterations.toned(tf.constant(_NOISE), contrast, brightness)
  assert (found.dtype, found.shape) == (tf.uint8, _NOISE.shape)
  exact = np.clip((_NOISE - 127.5) * contrast + 127.5 + brightness, 0, 255)
  assert np.abs(found.numpy() - exact).max() <= 0.5 + 1e-4
  inside = _inside(alterations.toned, _NOISE, np.float32(contrast), np.float32(brightness))
  np.testing.assert_array_equal(inside, found)


def test_bytes_do_not_wrap_around():
  darker = alterations.toned(tf.constant([10, 250], tf.uint8), 1.0, -20.0)
  brighter = alterations.toned(tf.constant([10, 250], tf.uint8), 1.0, 20.0)
  assert darker.numpy().tolist() == [0, 230]
  assert brighter.numpy().tolist() == [30, 255]


def test_no_change_of_tone_changes_nothing():
  np.testing.assert_array_equal(alterations.toned(tf.constant(_NOISE), 1.0, 0.0), _NOISE)


@pytest.mark.parametrize(
  ("size", "smallest", "expected"), [(24, 0.5, 48), (24, 0.7, 40), (32, 1.0, 32), (24, 2.0, 16)]
)
def test_the_source_is_whole_blocks_that_suffice_at_the_smallest_scale(size, smallest, expected):
  assert alterations.source_size(size, smallest) == expected
  assert expected * smallest >= size


@pytest.mark.parametrize(("source", "size"), [(48, 24), (32, 24), (24, 24), (16, 24)])
def test_whole_images_are_resized_as_pillow_does_it(photograph, source, size):
  image = photograph(source, source)
  (found,) = alterations.resized(tf.constant(image[np.newaxis]), tf.constant(size / source), size)
  resized = Image.fromarray(image).resize((size, size), Image.Resampling.BICUBIC)
  # Pillow rounds between its two passes.
  assert np.abs(found.numpy().astype(int) - np.asarray(resized)).max() <= 2
  if source == size:
    np.testing.assert_array_equal(found, image)


@pytest.mark.parametrize("scale", [0.5, 0.61, 0.97, 1.3])
def test_a_ramp_stays_a_ramp_of_another_slope(scale):
  """Pixel i of the result is the level at (i + 0.5) / scale of the source."""
  levels = 3 * np.arange(64, dtype=np.uint8)
  ramp = np.broadcast_to(levels[:, np.newaxis, np.newaxis], (1, 64, 64, 3))
  (found,) = alterations.resized(tf.constant(ramp), tf.constant(scale), 24)
  expected = 3 * ((np.arange(24) + 0.5) / scale - 0.5)
  np.testing.assert_allclose(found[2:, 12, 1], expected[2:], atol=0.75)


def test_all_images_are_resized_alike_alone_and_inside_a_dataset(photograph):
  images = np.stack([photograph(48, 48), 255 - photograph(48, 48)])
  alone = alterations.resized(tf.constant(images), tf.constant(0.55), 24)
  assert (alone.dtype, alone.shape) == (tf.uint8, (2, 24, 24, 3))
  assert np.abs(alone[0].numpy().astype(int) + alone[1].numpy() - 255).max() <= 1
  dataset = tf.data.Dataset.from_tensors((images, np.float32(0.55))).map(
    lambda images, scale: alterations.resized(images, scale, 24)
  )
  assert dataset.element_spec == tf.TensorSpec((2, 24, 24, 3), tf.uint8)
  np.testing.assert_array_equal(next(iter(dataset)), alone)
