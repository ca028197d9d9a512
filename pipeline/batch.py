"""What the pipeline hands to training: the one contract between pipeline and model."""

from typing import NamedTuple

import tensorflow as tf


class Batch(NamedTuple):
  """Pairs of a JPEG and its original, with what the JPEG says about itself.

  A NamedTuple because tf.data and tf.distribute keep it through batching and distribution.

  Attributes:
    compressed: float32 [B, P, P, 3] in [0, 1], the decoded JPEG; on the way to a training step
      uint8 (`pixels.batch_to_float`), as is `clean`.
    clean: float32 [B, P, P, 3] in [0, 1]. A network with context predicts its centre.
    quality: int32 [B], the IJG quality factor, 1 to 100, of the last JPEG; where that has another
      encoder's tables, the quality whose tables are nearest; 100 where there is no JPEG.
    tables: float32 [B, 2, 8, 8], quantisation steps of luma and chroma as they apply to the pixels:
      transposed where the crop is; ones where there is no JPEG. Gray crops use the first alone.
  """

  compressed: tf.Tensor
  clean: tf.Tensor
  quality: tf.Tensor
  tables: tf.Tensor


def spec(batch_size: int | None, size: int | None, dtype: tf.DType = tf.float32) -> Batch:
  """Returns the tf.TensorSpec of a batch of crops of `size` pixels a side, of this dtype."""
  return Batch(
    compressed=tf.TensorSpec((batch_size, size, size, 3), dtype),
    clean=tf.TensorSpec((batch_size, size, size, 3), dtype),
    quality=tf.TensorSpec((batch_size,), tf.int32),
    tables=tf.TensorSpec((batch_size, 2, 8, 8), tf.float32),
  )
