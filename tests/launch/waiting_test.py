import time

import numpy as np
import pytest
import tensorflow as tf

from deblock.launch import waiting

STEPS = 6
SECONDS = 0.05


def _late(value, seconds):
  """Returns a scalar when so much time has passed, which is what these tests are about."""

  def wait(number):
    time.sleep(seconds)
    return np.float32(number)

  return tf.ensure_shape(tf.numpy_function(wait, [value], tf.float32), ())


def _batches(seconds):
  """Returns batches each of which takes so long to make, none of them ahead of time."""
  options = tf.data.Options()
  options.experimental_optimization.apply_default_optimizations = False
  options.autotune.enabled = False
  return tf.data.Dataset.range(1000).map(lambda n: _late(n, seconds)).with_options(options)


def _loop(work):
  """Returns a compiled loop of steps that take so many seconds each."""

  @tf.function
  def steps(iterator, count):
    total = tf.zeros(())
    for _ in tf.range(count):
      total += _late(next(iterator), work)
    return total

  return steps


@pytest.mark.parametrize("work", [0.0, SECONDS])
def test_the_time_of_slow_batches_is_added_up_inside_the_loop(work):
  batches = waiting.TimedBatches(iter(_batches(SECONDS)))
  steps = _loop(work)
  assert steps(batches, tf.constant(2)) == 0 + 1
  batches.seconds()
  began = time.perf_counter()
  assert steps(batches, tf.constant(STEPS)) == sum(range(2, 2 + STEPS))
  passed = time.perf_counter() - began
  waited = batches.seconds()
  # Whatever the steps themselves took is not waiting, even beside a busy neighbour.
  assert STEPS * SECONDS <= waited <= passed - STEPS * work
  assert batches.seconds() == 0.0


def test_batches_that_are_there_are_not_waited_for():
  batches = waiting.TimedBatches(iter(_batches(0.0)))
  steps = _loop(SECONDS)
  steps(batches, tf.constant(2))
  batches.seconds()
  steps(batches, tf.constant(STEPS))
  assert 0.0 < batches.seconds() < 0.5 * STEPS * SECONDS


def test_the_loop_is_compiled_once():
  batches = waiting.TimedBatches(iter(_batches(0.0)))
  steps = _loop(0.0)
  for count in (1, 2, 3):
    steps(batches, tf.constant(count))
  assert steps.experimental_get_tracing_count() == 1


def test_replicas_share_what_was_waited_for():
  strategy = tf.distribute.MirroredStrategy(["CPU:0"])
  dataset = tf.data.Dataset.range(8).map(lambda n: {"a": n, "b": 2 * n}).batch(2)
  batches = waiting.TimedBatches(iter(strategy.experimental_distribute_dataset(dataset)))

  @tf.function
  def steps(iterator, count):
    total = tf.zeros((), tf.int64)
    for _ in tf.range(count):
      sums = strategy.run(lambda batch: tf.reduce_sum(batch["a"] + batch["b"]), (next(iterator),))
      total += strategy.reduce("SUM", sums, axis=None)
    return total

  assert steps(batches, tf.constant(4)) == 3 * sum(range(8))
  assert batches.seconds() > 0.0


def test_the_end_of_the_data_is_an_error_as_it_was():
  batches = waiting.TimedBatches(iter(_batches(0.0).take(1)))
  with pytest.raises(tf.errors.OutOfRangeError):
    _loop(0.0)(batches, tf.constant(2))
