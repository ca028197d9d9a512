"""8-bit pixels to float, in one place."""

import tensorflow as tf


def to_float(pixels):
  """Returns float32 in [0, 1] of uint8 pixels of any shape."""
  return tf.cast(pixels, tf.float32) / 255.0


def batch_to_float(made):
  """Returns a `batch.Batch` with its images as float32 in [0, 1]; those that are float32 stay.

  Meant to open a compiled step: until then a batch is a quarter as large, wherever it is sent to.

  Args:
    made: Batch whose images are uint8, or float32 in [0, 1].
  """
  return made._replace(
    **{
      name: to_float(image)
      for name, image in (("compressed", made.compressed), ("clean", made.clean))
      if image.dtype == tf.uint8
    }
  )
