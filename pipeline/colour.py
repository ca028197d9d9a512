"""Changes of colour that are made before an image is compressed, and so alike on both sides."""

import tensorflow as tf

from deblock.pipeline import chroma


def gray(image):
  """Returns an image as three equal channels of its luma, as `records.codec.to_gray` defines it.

  JPEG leaves the same pixels of them as of a gray image: their chroma is 128, of which no
  coefficient but zero is left, and luma of equal channels is their value.

  Args:
    image: uint8 [..., 3].
  Returns:
    uint8, same shape.
  """
  luma = chroma.luma_of(*tf.unstack(tf.cast(image, tf.float32), axis=-1))
  return tf.repeat(tf.cast(luma, tf.uint8)[..., tf.newaxis], 3, axis=-1)


def reordered(image, order):
  """Returns an image whose channels stand in another order.

  Args:
    image: uint8 [..., 3].
    order: int32 [3], of each new channel the old one.
  """
  return tf.ensure_shape(tf.gather(image, order, axis=-1), image.shape)


def toned(image, contrast, brightness):
  """Returns an image with another contrast and brightness: (level - 127.5) * contrast + 127.5 + b.

  What leaves the range is clipped, so that highlights or shadows of some crops are flat; that is
  before compression, hence the same on both sides. Computed in float: bytes would wrap around.

  Args:
    image: uint8 of any shape.
    contrast: float32 scalar, at least 0.
    brightness: float32 scalar, in levels.
  Returns:
    uint8, same shape, rounded to the nearest level.
  """
  levels = (tf.cast(image, tf.float32) - 127.5) * contrast + (127.5 + brightness)
  return tf.cast(tf.clip_by_value(tf.round(levels), 0.0, 255.0), tf.uint8)


def random_orders(count, seed):
  """Returns `count` orders of three channels, int32 [count, 3]; all six have equal chance."""
  orders = tf.constant([[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]])
  drawn = tf.random.stateless_uniform((count,), seed, minval=0, maxval=6, dtype=tf.int32)
  return tf.gather(orders, drawn)
