"""How long a training step waits for its batch."""

import tensorflow as tf


class Waited:
  """Adds up, inside the compiled loop, how long batches were waited for.

  Python sees only whole calls of that loop, so the clock is read by operations on both sides of
  the one that fetches a batch. TensorFlow starts a step when the one before is over, so that on CPU
  the sum is time in which nothing was computed. A GPU works on while the host waits: there it is
  the most that may have been lost.
  """

  def __init__(self):
    with tf.device("CPU:0"):
      self._seconds = tf.Variable(0.0, dtype=tf.float64, trainable=False, name="waited")
    self._told = 0.0
    # A function that is not inlined has an executor of its own. In the loop's, other operations
    # that need no batch run between clock and batch: 3 % was counted for one always there.
    self._fetch = tf.function(
      _timed_next, autograph=False, experimental_attributes={"_noinline": True}
    )

  def next(self, iterator):
    """Returns the next batch of an iterator, whose time it adds; for use inside a tf.function.

    The iterator is an argument, since what a compiled function captures lives as long as it does.
    """
    batch, seconds = self._fetch(iterator)
    self._seconds.assign_add(seconds)
    return batch

  def since(self) -> float:
    """Returns the seconds waited since this was last asked."""
    every = float(self._seconds.numpy())
    passed, self._told = every - self._told, every
    return passed


def _timed_next(iterator):
  with tf.device("CPU:0"):
    began = tf.timestamp()
  with tf.control_dependencies([began]):
    batch = next(iterator)
  with (
    tf.device("CPU:0"),
    tf.control_dependencies(tf.nest.flatten(batch, expand_composites=True)),
  ):
    return batch, tf.timestamp() - began
