import dataclasses
import json
import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from deblock.launch.training import step
from deblock.model import losses
from deblock.model.networks import registry
from deblock.pipeline import batch

RATE = 0.01
BATCH, CROP, CONTEXT = 4, 24, 8


def _batches(count):
  """Returns a dataset of random batches, all of them different."""
  random = np.random.default_rng(0)
  shape = (count, BATCH, CROP, CROP, 3)
  clean = random.uniform(0.2, 0.8, shape).astype(np.float32)
  compressed = clean + random.normal(0, 0.05, shape).astype(np.float32)
  quality = np.full((count, BATCH), 25, np.int32)
  tables = np.ones((count, BATCH, 2, 8, 8), np.float32)
  return tf.data.Dataset.from_tensor_slices(batch.Batch(compressed, clean, quality, tables))


def _compiled(name, loss):
  keras.utils.set_random_seed(0)
  entry = registry.get(name)
  network = entry.build(4, True)
  optimizer = keras.optimizers.Adam(RATE)
  optimizer.build(network.trainable_variables)
  strategy = tf.distribute.OneDeviceStrategy("/cpu:0")
  steps = step.training_steps(strategy, network, optimizer, loss, entry, BATCH)
  return network, steps


def _inner(images):
  return images[:, CONTEXT:-CONTEXT, CONTEXT:-CONTEXT]


def test_one_step_is_adam_on_the_mean_loss_of_the_batch(tiny):
  network, steps = _compiled(tiny, losses.l2)
  before = [variable.numpy() for variable in network.trainable_variables]
  data = next(iter(_batches(1)))
  with tf.GradientTape() as tape:
    restored = network(data.compressed, training=True)
    loss = tf.reduce_mean(tf.square(restored - _inner(data.clean)))
  gradients = [value.numpy() for value in tape.gradient(loss, network.trainable_variables)]

  totals = steps(iter(_batches(1)), tf.constant(1, tf.int32))

  np.testing.assert_allclose(totals.loss, loss, rtol=1e-5)
  np.testing.assert_allclose(totals.error, loss, rtol=1e-5)
  jpeg = np.mean(np.square(_inner(data.compressed) - _inner(data.clean)))
  np.testing.assert_allclose(totals.error_jpeg, jpeg, rtol=1e-5)
  for weights, gradient, variable in zip(
    before, gradients, network.trainable_variables, strict=True
  ):
    # Kingma and Ba 2015, algorithm 1 in the form of its section 2, at t = 1.
    first, second = 0.1 * gradient, 0.001 * gradient**2
    rate = RATE * np.sqrt(1 - 0.999) / (1 - 0.9)
    expected = weights - rate * first / (np.sqrt(second) + 1e-7)
    np.testing.assert_allclose(variable.numpy(), expected, rtol=1e-4, atol=1e-6)


def test_a_conditioned_network_gets_the_tables_and_is_judged_on_the_whole_crop():
  """Each image is shifted by a tenth of its first step, by one weight that starts at 1."""
  entry = dataclasses.replace(registry.get("deblocknet"), name="conditioned")
  compressed, tables = keras.Input((None, None, 3)), keras.Input((2, 8, 8))
  first_step = keras.layers.Flatten()(tables)[:, :1] / 10
  shift = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")(first_step)
  network = keras.Model([compressed, tables], compressed + shift[:, None, None])
  optimizer = keras.optimizers.SGD(RATE)
  strategy = tf.distribute.OneDeviceStrategy("/cpu:0")
  steps = step.training_steps(strategy, network, optimizer, losses.l2, entry, BATCH)
  data = next(iter(_batches(1)))
  first = np.arange(1.0, BATCH + 1)
  steps_of = np.ones((BATCH, 2, 8, 8), np.float32)
  steps_of[:, 0, 0, 0] = first
  batches = tf.data.Dataset.from_tensors(data._replace(tables=steps_of))

  totals = steps(iter(batches), tf.constant(1, tf.int32))

  difference = (data.compressed - data.clean).numpy().astype(np.float64)
  shifted = difference + first[:, None, None, None] / 10
  np.testing.assert_allclose(totals.loss, np.mean(shifted**2), rtol=1e-5)
  np.testing.assert_allclose(totals.error_jpeg, np.mean(difference**2), rtol=1e-5)
  gradient = np.mean(2 * shifted * first[:, None, None, None] / 10)
  (weight,) = network.trainable_variables
  np.testing.assert_allclose(weight.numpy(), [[1 - RATE * gradient]], rtol=1e-6)


def test_bytes_train_as_their_floats_do(tiny):
  data = next(iter(_batches(1)))
  images = (tf.cast(tf.round(255 * side), tf.uint8) for side in (data.compressed, data.clean))
  as_bytes = batch.Batch(*images, data.quality, data.tables)
  trained = []
  for made in (as_bytes, batch.to_float(as_bytes)):
    network, steps = _compiled(tiny, losses.l2)
    totals = steps(iter(tf.data.Dataset.from_tensors(made)), tf.constant(1, tf.int32))
    trained.append([float(value) for value in totals] + network.get_weights())
  for one, other in zip(*trained, strict=True):
    np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)


def test_totals_are_sums_over_the_steps(tiny):
  _, steps = _compiled(tiny, losses.l1)
  one_by_one = iter(_batches(3))
  single = [steps(one_by_one, tf.constant(1, tf.int32)) for _ in range(3)]
  _, steps = _compiled(tiny, losses.l1)
  together = steps(iter(_batches(3)), tf.constant(3, tf.int32))
  for name in step.Totals._fields:
    expected = sum(float(getattr(totals, name)) for totals in single)
    np.testing.assert_allclose(getattr(together, name), expected, rtol=1e-5)


def test_another_number_of_steps_compiles_nothing_anew(tiny):
  _, steps = _compiled(tiny, losses.l1)
  iterator = iter(_batches(6))
  for count in (1, 2, 3):
    steps(iterator, tf.constant(count, tf.int32))
  assert steps.experimental_get_tracing_count() == 1


@pytest.mark.slow
def test_two_replicas_train_as_one_device_does(records, tmp_path):
  # The number of logical devices can be chosen only before TensorFlow starts: a process of its own.
  script = pathlib.Path(__file__).with_name("two_replicas.py")
  done = subprocess.run(
    [sys.executable, script, records, tmp_path],
    env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"},
    capture_output=True,
    text=True,
  )
  assert done.returncode == 0, done.stderr
  found = json.loads(done.stdout.splitlines()[-1])
  assert found["replicas"] == 2
  assert found["moved"] > 1e-2
  assert found["difference"] < 1e-6 and found["averages_difference"] < 1e-6
  assert found["averages_behind"] > 1e-3
  np.testing.assert_allclose(*found["totals"], rtol=1e-5)
  assert found["resumed_step"] == 4
  assert found["resumed_difference"] < 1e-6
