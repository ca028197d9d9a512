import keras
import numpy as np
import pytest
import tensorflow as tf

from deblock.launch.training import step
from deblock.model import losses
from deblock.model.networks import registry
from deblock.pipeline import batch
from deblock.records.jpeg import tables as jpeg_tables


def _network(width=4, residual=True):
  """Returns a convolution."""
  del width, residual
  compressed = keras.Input((None, None, 3))
  return keras.Model(compressed, keras.layers.Conv2D(3, 3, padding="same")(compressed))


_ENTRY = registry.Entry(
  name="one", description="for tests", build=_network, context=8, keeps_size=True
)


def _batches():
  random = np.random.default_rng(0)
  clean = random.uniform(0.2, 0.8, (1, 2, 16, 24, 3)).astype(np.float32)
  compressed = clean + random.normal(0, 0.05, clean.shape).astype(np.float32)
  tables = np.stack([jpeg_tables.quantization_tables(quality) for quality in (10, 60)])
  values = batch.Batch(
    compressed, clean, np.full((1, 2), 10, np.int32), tables[np.newaxis].astype(np.float32)
  )
  return tf.data.Dataset.from_tensor_slices(values)


@pytest.mark.parametrize("name", ["frequency", "psnr"])
def test_a_step_minimises_the_loss_with_each_images_own_tables(name):
  keras.utils.set_random_seed(0)
  network = _ENTRY.build(4, True)
  optimizer = keras.optimizers.SGD(1e-3)
  optimizer.build(network.trainable_variables)
  strategy = tf.distribute.OneDeviceStrategy("/cpu:0")
  steps = step.training_steps(strategy, network, optimizer, losses.get(name), _ENTRY, 2)
  data = next(iter(_batches()))

  def value():
    restored = network(data.compressed)
    return float(tf.reduce_mean(losses.get(name)(restored, data.clean, data.tables)))

  before = value()
  totals = steps(iter(_batches()), tf.constant(1, tf.int32))
  np.testing.assert_allclose(totals.loss, before, rtol=1e-4)
  assert value() < before
