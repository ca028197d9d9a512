"""What is measured while a run trains: sums over an interval, waiting time, and weight norm."""

from collections.abc import Callable
import dataclasses

import tensorflow as tf

from deblock.records import typed_values


@dataclasses.dataclass
class IntervalSums:
  """Sums since scalars were last logged, in float64.

  Every checkpoint holds them, so that a run that stops within an interval logs the same values when
  it resumes.

  Attributes:
    steps: number of steps.
    seconds: duration of these steps.
    loss: sum of the loss over the steps.
    error: sum of the mean squared error of the restored crops.
    error_jpeg: the same of the JPEGs.
    gradient_norm: sum of the norm of all gradients together, before clipping.
  """

  steps: typed_values.Count = 0
  seconds: float = 0.0
  loss: float = 0.0
  error: float = 0.0
  error_jpeg: float = 0.0
  gradient_norm: float = 0.0

  def add(self, steps: int, seconds: float, totals) -> None:
    """Adds a call of the inner loop; `totals` is a `step.Totals` of numbers."""
    self.steps += steps
    self.seconds += seconds
    self.loss += totals.loss
    self.error += totals.error
    self.error_jpeg += totals.error_jpeg
    self.gradient_norm += totals.gradient_norm


class Gauges:
  """Reads the share of time spent waiting for data, and the norm of the weights.

  Args:
    waited: returns the seconds waited for batches since its last call.
    network: keras.Model that is trained.
  """

  def __init__(self, waited: Callable[[], float], network):
    self._waited = waited
    # One compiled function: a large network has hundreds of variables.
    self._norm = tf.function(
      lambda: tf.linalg.global_norm(
        [tf.cast(v.value, tf.float32) for v in network.trainable_variables]
      )
    )

  def read(self, seconds: float) -> dict[str, float]:
    """Returns figures by name.

    Args:
      seconds: of training since the last call.
    Returns:
      `train/waiting_share` in [0, 1]; `train/weight_norm`, the root of the sum of squares of all
      trained weights.
    """
    share = self._waited() / max(seconds, 1e-9)
    return {
      "train/waiting_share": min(max(share, 0.0), 1.0),
      "train/weight_norm": float(self._norm()),
    }


class Waited:
  """Adds up, inside the compiled loop, how long steps wait for their batches.

  Python sees whole calls of that loop only, so operations read the clock before and after each
  batch is fetched. On CPUs TensorFlow starts a step when the one before is over: the sum is time
  without computation. A GPU computes while the host waits: there the sum is an upper bound.
  """

  def __init__(self):
    with tf.device("CPU:0"):
      self._seconds = tf.Variable(0.0, dtype=tf.float64, trainable=False, name="waited")
    self._read = 0.0
    # A function that is not inlined has an executor of its own. Otherwise the executor may run
    # operations that need no batch between the clock and the batch.
    self._fetch = tf.function(
      _timed_next, autograph=False, experimental_attributes={"_noinline": True}
    )

  def next(self, iterator):
    """Returns the next batch of an iterator and adds its time; for use inside a tf.function.

    The iterator is an argument: what a compiled function captures lives as long as the function.
    """
    batch, seconds = self._fetch(iterator)
    self._seconds.assign_add(seconds)
    return batch

  def since(self) -> float:
    """Returns the seconds waited since the last call."""
    total = float(self._seconds.numpy())
    passed, self._read = total - self._read, total
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
