import time

import keras
import numpy as np
import pytest
import tensorflow as tf

from deblock.launch.training import meters

STEPS = 6
SECONDS = 0.05


def _late(value, seconds):
  """Returns a scalar when so much time has passed, which is what these tests are about."""

  def wait(number):
    time.sleep(seconds)
    return np.float32(number)

  return tf.ensure_shape(tf.numpy_function(wait, [value], tf.float32), ())


def _batches(seconds):
  """Returns batches that take so long to make each, and are not made ahead of time."""
  options = tf.data.Options()
  options.experimental_optimization.apply_default_optimizations = False
  options.autotune.enabled = False
  return tf.data.Dataset.range(1000).map(lambda n: _late(n, seconds)).with_options(options)


def _loop(work, waited):
  """Returns a compiled loop of steps that take so many seconds each."""

  @tf.function
  def steps(iterator, count):
    total = tf.zeros(())
    for _ in tf.range(count):
      total += _late(waited.next(iterator), work)
    return total

  return steps


@pytest.mark.parametrize("work", [0.0, SECONDS])
def test_the_time_of_slow_batches_is_added_up_inside_the_loop(work):
  waited, batches = meters.Waited(), iter(_batches(SECONDS))
  steps = _loop(work, waited)
  assert steps(batches, tf.constant(2)) == 0 + 1
  waited.since()
  began = time.perf_counter()
  assert steps(batches, tf.constant(STEPS)) == sum(range(2, 2 + STEPS))
  passed = time.perf_counter() - began
  # Whatever the steps themselves took is not waiting, even beside a busy neighbour.
  assert STEPS * SECONDS <= waited.since() <= passed - STEPS * work
  assert waited.since() == 0.0


def test_batches_that_are_there_are_not_waited_for():
  waited, batches = meters.Waited(), iter(_batches(0.0))
  steps = _loop(SECONDS, waited)
  steps(batches, tf.constant(2))
  waited.since()
  steps(batches, tf.constant(STEPS))
  assert 0.0 < waited.since() < 0.5 * STEPS * SECONDS


def test_the_loop_is_compiled_once_for_all_iterators_of_a_kind():
  steps = _loop(0.0, meters.Waited())
  for count in (1, 2, 3):
    steps(iter(_batches(0.0)), tf.constant(count))
  assert steps.experimental_get_tracing_count() == 1


def test_replicas_share_what_was_waited_for():
  strategy = tf.distribute.MirroredStrategy(["CPU:0"])
  dataset = tf.data.Dataset.range(8).map(lambda n: {"a": n, "b": 2 * n}).batch(2)
  waited, batches = meters.Waited(), iter(strategy.experimental_distribute_dataset(dataset))

  @tf.function
  def steps(iterator, count):
    total = tf.zeros((), tf.int64)
    for _ in tf.range(count):
      sums = strategy.run(
        lambda batch: tf.reduce_sum(batch["a"] + batch["b"]), (waited.next(iterator),)
      )
      total += strategy.reduce("SUM", sums, axis=None)
    return total

  assert steps(batches, tf.constant(4)) == 3 * sum(range(8))
  assert waited.since() > 0.0


def test_the_end_of_the_data_is_an_error_as_it_was():
  with pytest.raises(tf.errors.OutOfRangeError):
    _loop(0.0, meters.Waited())(iter(_batches(0.0).take(1)), tf.constant(2))


def _gauges(waited, network):
  return meters.Gauges(lambda: waited, network)


def _network():
  inputs = keras.Input((2,))
  hidden = keras.layers.Dense(2)(inputs)
  hidden = keras.layers.BatchNormalization()(hidden)
  return keras.Model(inputs, keras.layers.Dense(1, use_bias=False)(hidden))


def test_the_norm_is_that_of_the_trained_weights_as_they_are_now():
  network = _network()
  read = _gauges(0.0, network)
  for factor in (1.0, 2.0):
    for variable in network.trainable_variables:
      variable.assign(factor * np.arange(1, 1 + np.prod(variable.shape)).reshape(variable.shape))
    every = np.concatenate([v.numpy().ravel() for v in network.trainable_variables])
    assert len(every) == 4 + 2 + 2 + 2 + 2, "means and variances are not trained"
    assert read.read(1.0)["train/weight_norm"] == pytest.approx(np.sqrt((every**2).sum()))


@pytest.mark.parametrize(
  ("waited", "seconds", "share"), [(1.0, 4.0, 0.25), (0.0, 0.0, 0.0), (2.0, 1.0, 1.0), (0, 1, 0)]
)
def test_waiting_is_a_share_of_the_training_time(waited, seconds, share):
  assert _gauges(waited, _network()).read(seconds)["train/waiting_share"] == share
