import numpy as np
import tensorflow as tf

from deblock.pipeline import batch

_LEVELS = np.arange(256, dtype=np.uint8)


def test_levels_become_their_share_of_255():
  made = batch.pixels_to_float(_LEVELS)
  assert made.dtype == tf.float32
  np.testing.assert_allclose(made.numpy(), np.arange(256) / 255.0, rtol=1e-7)
  assert (made[0], made[255]) == (0.0, 1.0)


def test_every_level_comes_back_by_rounding():
  back = np.rint(batch.pixels_to_float(_LEVELS).numpy() * np.float32(255.0)).astype(np.uint8)
  np.testing.assert_array_equal(back, _LEVELS)


def test_a_dataset_gives_the_same_values_in_the_same_shape():
  image = _LEVELS.reshape(8, 8, 4)
  (made,) = tf.data.Dataset.from_tensors(image).map(batch.pixels_to_float)
  np.testing.assert_array_equal(made.numpy(), batch.pixels_to_float(image).numpy())


def test_a_batch_becomes_float_once():
  images = np.arange(2 * 8 * 8 * 3, dtype=np.uint8).reshape(2, 8, 8, 3)
  made = batch.Batch(*map(tf.constant, (images, images[::-1], [5, 6], np.ones((2, 2, 8, 8)))))
  floats = batch.to_float(made)
  np.testing.assert_array_equal(floats.compressed, batch.pixels_to_float(images))
  np.testing.assert_array_equal(floats.clean, batch.pixels_to_float(images[::-1]))
  assert floats.quality is made.quality
  assert floats.tables is made.tables
  again = batch.to_float(floats)
  assert again.compressed is floats.compressed


def test_crops_of_one_jpeg_share_its_quality_and_tables():
  crops = tf.zeros((3, 8, 8, 3), tf.uint8)
  tables = np.arange(128, dtype=np.float32).reshape(2, 8, 8)
  for given in (crops, tf.unstack(crops)):
    made = batch.of_one_jpeg(given, given, tf.constant(7), tf.constant(tables))
    assert made.quality.numpy().tolist() == [7, 7, 7]
    np.testing.assert_array_equal(made.tables, np.stack([tables] * 3))
