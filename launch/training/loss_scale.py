"""The factor that lifts float16 gradients above what rounds to nought."""

import tensorflow as tf

FIRST = 2.0**15
LARGEST = 2.0**24
GOOD_STEPS = 2000  # In a row, after which a larger factor is tried.


class LossScale:
  """A factor of the loss that grows until gradients overflow, and then shrinks.

  P. Micikevicius et al., "Mixed Precision Training", ICLR 2018, section 3.2, with the rule of
  NVIDIA's and TensorFlow's implementations: halved at each step whose gradients are not finite,
  which changes no weight, and doubled after 2000 good steps in a row. It is a power of two, so that
  scaling rounds nothing. At a factor of 1 there is nothing left to blame on it: such a step then
  changes the weights, and the loss shows it.

  Made inside the strategy's scope.
  """

  def __init__(self):
    self.factor = tf.Variable(FIRST, trainable=False, name="loss_scale")
    self._good_steps = tf.Variable(0, trainable=False, name="good_steps")

  @property
  def variables(self) -> list[tf.Variable]:
    """What a checkpoint must hold."""
    return [self.factor, self._good_steps]

  def accepts(self, norm):
    """Returns whether gradients of that norm, float32, shall change the weights: a bool scalar."""
    return tf.math.is_finite(norm) | (self.factor <= 1.0)

  def update(self, accepted):
    """Adapts the factor to a step; `accepted` is what `accepts` said of it."""
    good_steps = tf.where(accepted, self._good_steps + 1, 0)
    is_due = good_steps >= GOOD_STEPS
    grown = tf.where(is_due, tf.minimum(2.0 * self.factor, LARGEST), self.factor)
    self.factor.assign(tf.where(accepted, grown, tf.maximum(0.5 * self.factor, 1.0)))
    self._good_steps.assign(tf.where(is_due, 0, good_steps))
