import numpy as np
import pytest
import tensorflow as tf

from deblock.pipeline import batch, mixing, seeds

_SIDE = 8


def _images(count, seed=0):
  shape = (count, _SIDE, _SIDE, 3)
  return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def _take(held, indices):
  return mixing.take(held, tf.constant(indices, tf.int32), (_SIDE, _SIDE, 3), tf.uint8)


@pytest.mark.parametrize("apart", [False, True])
def test_images_are_taken_as_they_were_held(apart):
  images = _images(5)
  indices = [4, 0, 0, 3]
  given = [tf.constant(image) for image in images] if apart else tf.constant(images)
  alone = _take(mixing.hold(given), indices)
  inside = tf.function(lambda given: _take(mixing.hold(given), indices))(given)
  for taken in (alone, inside):
    assert taken.shape == (4, _SIDE, _SIDE, 3)
    np.testing.assert_array_equal(taken.numpy(), images[indices])


@pytest.mark.parametrize("parts", [1, 2, 3, 7])
def test_joining_is_concatenation(parts):
  images = [_images(2 + part, part) for part in range(parts)]
  held = tf.stack([mixing.hold(tf.constant(some)) for some in images])
  expected = np.concatenate(images)
  taken = _take(mixing.join(held, tf.uint8), range(len(expected)))
  np.testing.assert_array_equal(taken.numpy(), expected)


def test_an_image_that_is_not_there_is_an_error():
  with pytest.raises(tf.errors.InvalidArgumentError, match="list only has 5 elements"):
    _take(mixing.hold(tf.constant(_images(5))), [5])


def test_the_arithmetic_of_a_window():
  window = mixing.Window(crops_per_tile=4, mixed_tiles=6, batch_size=8)
  assert (window.crops, window.batches) == (24, 3)
  assert [window.place(index) for index in (0, 2, 3, 10)] == [(0, 0), (0, 2), (1, 0), (3, 1)]
  assert [window.first_tile(index) for index in (0, 2, 3, 10)] == [0, 0, 6, 18]
  assert sorted(window.order(7, 2).numpy()) == list(range(24))
  with pytest.raises(ValueError, match=r"times mixed_tiles, 24, must be a multiple .* batch of 5"):
    mixing.Window(4, 6, 5)


def _stream(tiles, first_batch):
  """Returns batches of 4 that mix the 4 crops of 3 tiles, and all crops as [tiles, crops, ...]."""
  window = mixing.Window(crops_per_tile=4, mixed_tiles=3, batch_size=4)
  images = _images(2 * tiles * 4).reshape(2, tiles, 4, _SIDE, _SIDE, 3)
  quality = np.arange(tiles * 4, dtype=np.int32).reshape(tiles, 4)
  tables = np.ones((tiles, 4, 2, 8, 8), np.float32)
  made = batch.Batch(*images, quality, tables)
  dataset = (
    tf.data.Dataset.from_tensor_slices(made)
    .enumerate()
    .skip(window.first_tile(first_batch))
    .map(
      lambda index, one: (
        index,
        one._replace(compressed=mixing.hold(one.compressed), clean=mixing.hold(one.clean)),
      )
    )
  )
  return mixing.batches(dataset, window, _SIDE, 7, first_batch), made


def test_a_window_is_its_crops_in_the_order_of_its_seed(batch_spec):
  batches, made = _stream(tiles=7, first_batch=0)
  assert batches.element_spec == batch_spec(4, _SIDE, tf.uint8)
  found = list(batches.as_numpy_iterator())
  # Seven tiles are two windows of three, three batches each; the seventh tile fills none.
  assert len(found) == 6
  for window in (0, 1):
    order_seed = seeds.derive(7, window, seeds.MIX)
    order = tf.random.experimental.stateless_shuffle(tf.range(12), order_seed).numpy()
    for part, whole in enumerate(made):
      crops = whole[3 * window : 3 * window + 3].reshape(12, *whole.shape[2:])
      mixed = np.concatenate([one[part] for one in found[3 * window : 3 * window + 3]])
      np.testing.assert_array_equal(mixed, crops[order])


@pytest.mark.parametrize("first_batch", [1, 3, 5])
def test_entering_is_skipping_what_came_before(first_batch):
  through = list(_stream(7, 0)[0].as_numpy_iterator())
  entered = list(_stream(7, first_batch)[0].as_numpy_iterator())
  assert len(entered) == 6 - first_batch
  for one, expected in zip(entered, through[first_batch:], strict=True):
    np.testing.assert_array_equal(one.quality, expected.quality)
    np.testing.assert_array_equal(one.clean, expected.clean)
