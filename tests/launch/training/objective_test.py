import dataclasses

import keras
import numpy as np
import tensorflow as tf

from deblock.launch.training import step
from deblock.model import losses
from deblock.model.networks import registry
from deblock.pipeline import batch


def _data():
  random = np.random.default_rng(0)
  compressed, clean = random.uniform(size=(2, 2, 16, 16, 3)).astype(np.float32)
  tables = np.ones((2, 2, 8, 8), np.float32)
  return batch.Batch(compressed, clean, np.array([10, 30], np.int32), tables)


def test_a_step_minimises_what_the_network_asks_for():
  """Here the loss of half as bright an image, and the quality, which no weight can change."""

  def objective(network):
    plain = registry.image_loss(network)

    def run(inputs, quality, measure):
      restored, _ = plain(inputs, quality, measure)
      return restored, measure(0.5 * restored) + tf.cast(quality, tf.float32)

    return run

  entry = dataclasses.replace(registry.get("arcnn"), objective=objective)
  network = entry.build(4, True)
  optimizer = keras.optimizers.SGD(0.1)
  optimizer.build(network.trainable_variables)
  strategy = tf.distribute.OneDeviceStrategy("/cpu:0")
  data = _data()
  with tf.GradientTape() as tape:
    loss = tf.reduce_mean((0.5 * network(data.compressed) - data.clean) ** 2)
  gradients = tape.gradient(loss, network.trainable_variables)
  expected = [
    variable.numpy() - 0.1 * gradient.numpy()
    for variable, gradient in zip(network.trainable_variables, gradients, strict=True)
  ]

  steps = step.training_steps(strategy, network, optimizer, losses.l2, entry, 2)
  totals = steps(iter(tf.data.Dataset.from_tensors(data)), tf.constant(1, tf.int32))

  np.testing.assert_allclose(totals.loss, loss + 20.0, rtol=1e-5)
  # The other sums stay those of the restored image.
  np.testing.assert_allclose(totals.error, np.mean((data.compressed - data.clean) ** 2), rtol=1e-5)
  for variable, value in zip(network.trainable_variables, expected, strict=True):
    np.testing.assert_allclose(variable.numpy(), value, rtol=1e-4, atol=1e-6)
