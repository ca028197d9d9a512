"""The time that a training loop waits for its batches; for pipeline.py."""

import time

import keras
import tensorflow as tf

from deblock.launch.machines import strategy
from deblock.launch.settings import train as run_config
from deblock.launch.training import meters, step
from deblock.model import losses
from deblock.model.networks import registry


def training(name, batches, batch_size, seconds):
  """Returns the seconds waited for batches, the seconds trained, and the steps taken."""
  entry = registry.get(name)
  device = strategy.create("cpu")
  with device.scope():
    network = registry.build(registry.usual(name, width=16))
    optimizer = keras.optimizers.Adam(1e-3)
    optimizer.build(network.trainable_variables)
  waited = meters.Waited()
  steps = step.training_steps(
    device, network, optimizer, losses.get("l1"), entry, batch_size, waited=waited
  )
  iterator = iter(batches)
  count = run_config.TrainConfig().steps_per_call
  steps(iterator, tf.constant(count))
  waited.since()
  began, taken = time.perf_counter(), 0
  while time.perf_counter() - began < 3 * seconds:
    float(steps(iterator, tf.constant(count)).loss)
    taken += count
  return waited.since(), time.perf_counter() - began, taken
