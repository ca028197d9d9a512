"""How long a training loop waits for its batches; for pipeline.py beside this file."""

import dataclasses
import time

import keras
import tensorflow as tf

from deblock.launch import config as run_config
from deblock.launch import step, strategy
from deblock.model import config as model_config
from deblock.model import losses, registry


class Timed:
  """An iterator of batches that adds up, inside the compiled loop, how long it was waited for."""

  def __init__(self, iterator):
    self._iterator = iterator
    self.waited = tf.Variable(0.0, dtype=tf.float64)

  def __next__(self):
    batch, seconds = self._timed_next()
    self.waited.assign_add(seconds)
    return batch

  # A function that is not inlined has an executor of its own. In the loop's, other operations that
  # need no batch run between clock and batch: 3 % of the time was counted for one always there.
  @tf.function(autograph=False, experimental_attributes={"_noinline": True})
  def _timed_next(self):
    began = tf.timestamp()
    with tf.control_dependencies([began]):
      batch = self._iterator.get_next()
    with tf.control_dependencies(tf.nest.flatten(batch)):
      return batch, tf.timestamp() - began


def network_of(name):
  """Returns a network of width 16; residual where it can be."""
  config = model_config.ModelConfig(model=name, width=16)
  try:
    return registry.build(config)
  except ValueError:
    return registry.build(dataclasses.replace(config, residual=False))


def training(name, batches, batch_size, seconds):
  """Returns the seconds waited for batches, the seconds trained, and the steps taken."""
  entry = registry.get(name)
  device = strategy.create("cpu")
  with device.scope():
    network = network_of(name)
    optimizer = keras.optimizers.Adam(run_config.TrainConfig().learning_rate)
    optimizer.build(network.trainable_variables)
  steps = step.training_steps(device, network, optimizer, losses.get("l1"), entry, batch_size)
  timed = Timed(iter(batches))
  count = run_config.TrainConfig().steps_per_call
  steps(timed, tf.constant(count))
  timed.waited.assign(0.0)
  began, taken = time.perf_counter(), 0
  while time.perf_counter() - began < 3 * seconds:
    float(steps(timed, tf.constant(count)).loss)
    taken += count
  return float(timed.waited.numpy()), time.perf_counter() - began, taken
