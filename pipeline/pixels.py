"""8-bit pixels to float and back, in one place."""

import tensorflow as tf


def to_float(pixels):
  """Returns float32 in [0, 1] of uint8 pixels of any shape."""
  return tf.cast(pixels, tf.float32) / 255.0
