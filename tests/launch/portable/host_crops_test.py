import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from deblock.launch.portable import host_crops, portable_step
from deblock.launch.portable import settings as settings_lib
from deblock.records.jpeg import codec
from deblock.records.jpeg import tables as jpeg_tables

LAYOUT = settings_lib.Layout(crop_size=16, batch_size=6, full_chroma=2, twice=2)


def _source(seed=0, sizes=((40, 48), (32, 56))):
  images = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), np.uint8)
  every_table = jpeg_tables.all_quantization_tables()
  return host_crops.Source(images, np.array(sizes), every_table, dataclasses.asdict(LAYOUT), seed)


def _batch(number, source=None):
  batch = host_crops.empty(dataclasses.asdict(LAYOUT))
  host_crops.fill(source or _source(), number, batch)
  return batch


@pytest.mark.parametrize("subsampling", ["4:2:0", "4:4:4"])
def test_a_jpeg_is_that_of_the_same_tables_elsewhere(subsampling):
  image = np.random.default_rng(0).integers(0, 256, (24, 16, 3), np.uint8)
  tables = jpeg_tables.all_quantization_tables()[35]
  found = host_crops.compress(image, np.asarray(tables, int), subsampling)
  expected = codec.decode(codec.encode(image, 35, subsampling.replace(":", "")))
  np.testing.assert_array_equal(found, expected)


def test_a_batch_is_that_of_its_number_and_seed():
  for first, second in zip(_batch(3), _batch(3), strict=True):
    np.testing.assert_array_equal(first, second)
  assert (_batch(3).clean != _batch(4).clean).any()
  assert (_batch(3).clean != _batch(3, _source(seed=1)).clean).any()


def test_crops_lie_inside_their_image_and_untouched_ones_are_their_jpegs(monkeypatch):
  monkeypatch.setattr(host_crops, "UNTOUCHED", 0.5)
  source = _source()
  # Padding must never be seen.
  images = source.images.copy()
  for image, (rows, columns) in zip(images, source.sizes, strict=True):
    image[:rows, :columns] = 255
    image[rows:], image[:, columns:] = 0, 0
  seen = [_batch(number, source._replace(images=images)) for number in range(8)]
  assert all((batch.clean == 255).all() for batch in seen)
  for batch in (_batch(number) for number in range(8)):
    untouched = batch.untouched > 0
    assert (batch.tables[untouched] == 1).all()
    np.testing.assert_array_equal(batch.jpeg[untouched], batch.clean[untouched])
    assert (batch.jpeg[~untouched] != batch.clean[~untouched]).any(axis=(1, 2, 3)).all()


def test_a_fed_step_is_the_step_of_the_same_jpegs(random_step):
  network, state, numbers, crops = random_step
  jpeg, clean, tables = portable_step.damaged(crops, LAYOUT)
  fed = portable_step.Fed(jpeg, clean, tables, crops.untouched)
  found = tf.nest.flatten(portable_step.fed_step(network)(state, fed, numbers))
  expected = tf.nest.flatten(portable_step.step(network, LAYOUT)(state, crops, numbers))
  for one, other in zip(found, expected, strict=True):
    np.testing.assert_array_equal(one, other)


@pytest.fixture
def random_step():
  """A network, its state, numbers and crops of `portable_step.step`."""
  import keras

  from deblock.model.networks import deblocknet

  keras.utils.set_random_seed(0)
  network = deblocknet.deblocknet(4)
  weights = [tf.convert_to_tensor(variable.value) for variable in network.trainable_variables]
  zeros = [tf.zeros_like(weight) for weight in weights]
  state = portable_step.State(weights, zeros, zeros, weights)
  tables = jpeg_tables.all_quantization_tables().astype(np.float32)
  random = np.random.default_rng(0)
  crops = portable_step.Crops(
    clean=tf.constant(random.integers(0, 256, (6, 24, 24, 3), np.uint8)),
    tables=tf.constant(tables[[10, 20, 30, 40, 50, 60]]),
    first_tables=tf.constant(tables[[15, 25]]),
    shifts=tf.constant([[0, 0], [3, 5]]),
    untouched=tf.constant([0.0, 1, 0, 0, 0, 0]),
    gray=tf.constant([1.0, 0, 0, 0, 0, 0]),
  )
  return network, state, portable_step.Settings(*map(tf.constant, (1.0, 1e-3, 0.9, 0.0))), crops


@pytest.mark.slow
def test_processes_make_the_batches_in_order():
  feed = host_crops.Feed(_source(), first=5, workers=2)
  try:
    found = [next(feed) for _ in range(9)]
  finally:
    feed.close()
  for number, batch in enumerate(found, 5):
    for one, other in zip(batch, _batch(number), strict=True):
      np.testing.assert_array_equal(one, other)
