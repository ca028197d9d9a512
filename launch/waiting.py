"""How long a training step waits for its batch."""

import tensorflow as tf


class TimedBatches:
  """An iterator of batches that adds up, inside the compiled loop, how long it was waited for.

  Python sees only whole calls of that loop, so the clock is read by operations on both sides of
  the one that fetches a batch. TensorFlow starts a step when the one before is over, so that on CPU
  the sum is time in which nothing was computed. A GPU works on while the host waits: there it is
  the most that may have been lost.

  Args:
    iterator: of batches, tf.data's or a distributed one.
  """

  def __init__(self, iterator):
    self._iterator = iterator
    with tf.device("CPU:0"):
      self._seconds = tf.Variable(0.0, dtype=tf.float64, trainable=False, name="waited")
    self._told = 0.0

  def __iter__(self):
    """Returns itself."""
    return self

  def __next__(self):
    """Returns the operations that fetch a batch and time that; for use inside a tf.function."""
    with tf.device("CPU:0"):
      began = tf.timestamp()
    with tf.control_dependencies([began]):
      batch = next(self._iterator)
    with (
      tf.device("CPU:0"),
      tf.control_dependencies(tf.nest.flatten(batch, expand_composites=True)),
    ):
      self._seconds.assign_add(tf.timestamp() - began)
    return batch

  def seconds(self) -> float:
    """Returns the seconds waited since this was last asked."""
    every = float(self._seconds.numpy())
    since, self._told = every - self._told, every
    return since
