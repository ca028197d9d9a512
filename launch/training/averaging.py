"""Averages of the weights over the steps, which restore better than the last weights do.

Polyak and Juditsky, "Acceleration of Stochastic Approximation by Averaging", SIAM J. Control and
Optimization 30 (4), 1992, in the exponential form that trainings use:

    average <- d average + (1 - d) weight        d = min(decay, (1 + n) / (10 + n)) at update n

The second bound, of TensorFlow's ExponentialMovingAverage, lets the average forget the first
weights fast while it is young. The statistics of batch normalisation are averaged as the weights
are, since those of the last weights would not fit the averaged ones.
"""

from collections.abc import Sequence

import tensorflow as tf


def start(weights: Sequence[tf.Variable]) -> list[tf.Variable]:
  """Returns one average for each weight, equal to it; made inside the strategy's scope."""
  return [
    tf.Variable(weight.numpy(), trainable=False, name=f"average{index}")
    for index, weight in enumerate(weights)
  ]


def decay_at(decay: float, updates):
  """Returns d of the formula, a float32 scalar; `updates` is n, an integer scalar from 1 on."""
  count = tf.cast(updates, tf.float32)
  return tf.minimum(decay, (1.0 + count) / (10.0 + count))


def update(strategy, averages, weights, decay) -> None:
  """Moves the averages towards the weights, on each device by itself.

  Args:
    strategy: tf.distribute.Strategy, in its cross-replica context.
    averages: list of tf.Variable.
    weights: list of tf.Variable, of the same shapes.
    decay: d of the formula, a float32 scalar.
  """

  def move(average, weight):
    average.assign_sub((1.0 - decay) * (average - weight))

  for average, weight in zip(averages, weights, strict=True):
    strategy.extended.update(average, move, args=(weight,), group=False)
