import numpy as np
import tensorflow as tf

from deblock.pipeline import batch, pixels

_LEVELS = np.arange(256, dtype=np.uint8)


def test_levels_become_their_share_of_255():
  made = pixels.to_float(_LEVELS)
  assert made.dtype == tf.float32
  np.testing.assert_allclose(made.numpy(), np.arange(256) / 255.0, rtol=1e-7)
  assert (made[0], made[255]) == (0.0, 1.0)


def test_every_level_comes_back_by_rounding():
  back = np.rint(pixels.to_float(_LEVELS).numpy() * np.float32(255.0)).astype(np.uint8)
  np.testing.assert_array_equal(back, _LEVELS)


def test_a_dataset_gives_the_same_values_in_the_same_shape():
  image = _LEVELS.reshape(8, 8, 4)
  (made,) = tf.data.Dataset.from_tensors(image).map(pixels.to_float)
  np.testing.assert_array_equal(made.numpy(), pixels.to_float(image).numpy())


def test_a_batch_becomes_float_once():
  images = np.arange(2 * 8 * 8 * 3, dtype=np.uint8).reshape(2, 8, 8, 3)
  made = batch.Batch(*map(tf.constant, (images, images[::-1], [5, 6], np.ones((2, 2, 8, 8)))))
  floats = pixels.batch_to_float(made)
  np.testing.assert_array_equal(floats.compressed, pixels.to_float(images))
  np.testing.assert_array_equal(floats.clean, pixels.to_float(images[::-1]))
  assert floats.quality is made.quality
  assert floats.tables is made.tables
  again = pixels.batch_to_float(floats)
  assert again.compressed is floats.compressed
