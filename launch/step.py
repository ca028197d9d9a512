"""The compiled inner loop: batches in, weights changed, sums out."""

from typing import NamedTuple

import tensorflow as tf

from deblock.model import blocks, registry
from deblock.pipeline import pixels


class Totals(NamedTuple):
  """What a call of the inner loop sums up over its steps; float32 scalars.

  Attributes:
    loss: sum over steps of the loss of the global batch.
    error: sum of the restored crops' mean squared errors.
    error_jpeg: the same of the JPEG's.
  """

  loss: tf.Tensor
  error: tf.Tensor
  error_jpeg: tf.Tensor


def training_steps(strategy, network, optimizer, loss, entry: registry.Entry, batch_size: int):
  """Returns the compiled function that trains for a number of steps.

  Args:
    strategy: tf.distribute.Strategy, in whose scope network and optimizer were made.
    network: keras.Model that `entry` describes.
    optimizer: keras.optimizers.Optimizer.
    loss: (restored, clean, tables) to float [B].
    entry: what the registry says of the network.
    batch_size: crops in a step, over all replicas.
  Returns:
    A function of an iterator of batches, float or still uint8, and of an int32 scalar tensor, the
    number of steps, to `Totals`. The number is a tensor, since a Python one would compile anew for
    each value.
  """

  objective = entry.objective(network)

  def replica_step(batch):
    batch = pixels.batch_to_float(batch)
    clean = blocks.crop_center(batch.clean, entry.consumed)
    with tf.GradientTape() as tape:
      inputs = entry.inputs(batch.compressed, batch.tables)
      restored, losses = objective(
        inputs, batch.quality, lambda image: loss(image, clean, batch.tables)
      )
      # Each replica divides by the global batch, so that the sum over replicas is the mean.
      value = tf.reduce_sum(losses) / batch_size
    gradients = tape.gradient(value, network.trainable_variables)
    optimizer.apply_gradients(zip(gradients, network.trainable_variables, strict=True))
    jpeg = blocks.crop_center(batch.compressed, entry.consumed)
    return Totals(value, _error(restored, clean) / batch_size, _error(jpeg, clean) / batch_size)

  @tf.function
  def steps(iterator, count):
    totals = Totals(*(tf.zeros(()) for _ in Totals._fields))
    for _ in tf.range(count):
      replicas = strategy.run(replica_step, args=(next(iterator),))
      sums = [strategy.reduce("SUM", value, axis=None) for value in replicas]
      totals = Totals(*(total + value for total, value in zip(totals, sums, strict=True)))
    return totals

  return steps


def _error(images, clean):
  """Returns the sum over images of their mean squared error."""
  squared = tf.math.squared_difference(images, clean)
  return tf.reduce_sum(tf.reduce_mean(squared, axis=(1, 2, 3)))
