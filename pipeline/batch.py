"""The one contract between pipeline and model: a batch, its pixels as bytes or as floats."""

from typing import NamedTuple

import tensorflow as tf


class Batch(NamedTuple):
  """JPEG crops, their originals, and the quality and tables of each JPEG.

  A NamedTuple, since tf.data and tf.distribute keep it through batching and distribution.

  Attributes:
    compressed: float32 [B, P, P, 3] in [0, 1], the decoded JPEG. On the way to a training step it
      is uint8 (see `to_float`), and so is `clean`.
    clean: float32 [B, P, P, 3] in [0, 1]. A network with context predicts its centre.
    quality: int32 [B], the IJG quality factor, 1 to 100, of the last JPEG. For another encoder's
      tables it is the quality with the nearest tables; without a JPEG it is 100.
    tables: float32 [B, 2, 8, 8], quantisation steps of luma and chroma as they apply to the pixels:
      transposed where the crop is transposed, ones without a JPEG. Gray crops use the first only.
  """

  compressed: tf.Tensor
  clean: tf.Tensor
  quality: tf.Tensor
  tables: tf.Tensor


def of_one_jpeg(compressed, clean, quality, tables) -> Batch:
  """Returns a batch of N crops of one JPEG.

  Args:
    compressed: uint8 [N, P, P, 3], or N tensors.
    clean: same shape.
    quality: int32 scalar.
    tables: float32 [2, 8, 8].
  """
  count = tf.shape(clean)[0] if tf.is_tensor(clean) else len(clean)
  return Batch(
    compressed, clean, tf.fill([count], quality), tf.tile(tables[tf.newaxis], [count, 1, 1, 1])
  )


def pixels_to_float(pixels):
  """Returns uint8 pixels of any shape as float32 in [0, 1]."""
  return tf.cast(pixels, tf.float32) / 255.0


def to_float(made: Batch) -> Batch:
  """Returns a batch with its images as float32 in [0, 1]; images that are float32 stay.

  Call it first in a compiled step: until then a batch is a quarter as large.

  Args:
    made: Batch of uint8 images, or float32 in [0, 1].
  """
  return made._replace(
    **{
      name: pixels_to_float(image)
      for name, image in (("compressed", made.compressed), ("clean", made.clean))
      if image.dtype == tf.uint8
    }
  )
