"""What is read off a run when it logs, beside what its steps sum up."""

from collections.abc import Callable

import tensorflow as tf


class Gauges:
  """Reads the time waited for data, and the size of the weights.

  Args:
    waited: returns the seconds that were waited for batches since it was last asked.
    network: keras.Model that is trained.
  """

  def __init__(self, waited: Callable[[], float], network):
    self._waited = waited
    self._network = network
    # One compiled function: a large network has hundreds of variables.
    self._norm = tf.function(
      lambda: tf.linalg.global_norm(
        [tf.cast(v.value, tf.float32) for v in network.trainable_variables]
      )
    )

  def read(self, seconds: float) -> dict[str, float]:
    """Returns figures by name, over the seconds of training since they were last read.

    Returns:
      `train/waiting_share` in [0, 1]; `train/weight_norm`, the root of the sum of squares of all
      trained weights.
    """
    share = self._waited() / max(seconds, 1e-9)
    return {
      "train/waiting_share": min(max(share, 0.0), 1.0),
      "train/weight_norm": float(self._norm()),
    }
