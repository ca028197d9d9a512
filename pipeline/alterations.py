"""Changes made to an image before it is compressed: colour and size."""

import math

import tensorflow as tf

from deblock.pipeline import chroma


def gray(image):
  """Returns an image as three equal channels of its luma, as `jpeg.codec.to_gray` defines it.

  A JPEG of them decodes to the same pixels as a JPEG of the gray image: chroma is 128 everywhere,
  so all its coefficients are zero, and the luma of three equal channels is their value.

  Args:
    image: uint8 [..., 3].
  Returns:
    uint8, same shape.
  """
  luma = chroma.luma_of(*tf.unstack(tf.cast(image, tf.float32), axis=-1))
  return tf.repeat(tf.cast(luma, tf.uint8)[..., tf.newaxis], 3, axis=-1)


def reordered(image, order):
  """Returns an image with its channels in another order.

  Args:
    image: uint8 [..., 3].
    order: int32 [3], for each new channel the index of the old one.
  """
  return tf.ensure_shape(tf.gather(image, order, axis=-1), image.shape)


def random_orders(count, seed):
  """Returns `count` orders of three channels, int32 [count, 3]; all six are equally likely."""
  orders = tf.constant([[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]])
  drawn = tf.random.stateless_uniform((count,), seed, minval=0, maxval=6, dtype=tf.int32)
  return tf.gather(orders, drawn)


def toned(image, contrast, brightness):
  """Returns (level - 127.5) * contrast + 127.5 + brightness, rounded and clipped to [0, 255].

  Clipping flattens highlights or shadows of some crops. It comes before compression, so the clean
  and the compressed image both show it. The sum is computed in float: uint8 would wrap around.

  Args:
    image: uint8 of any shape.
    contrast: float32 scalar, at least 0.
    brightness: float32 scalar, in levels.
  Returns:
    uint8, same shape.
  """
  levels = (tf.cast(image, tf.float32) - 127.5) * contrast + (127.5 + brightness)
  return tf.cast(tf.clip_by_value(tf.round(levels), 0.0, 255.0), tf.uint8)


def source_size(size: int, smallest: float) -> int:
  """Returns the side that `resized` needs of its input for every scale from `smallest` up.

  A multiple of 8, since the input is compressed first.
  """
  return 8 * math.ceil(size / smallest / 8)


def resized(images, scale, size):
  """Returns the top left `size` x `size` pixels of resized images.

  Bicubic (Keys), antialiased where it shrinks, as in Pillow and tf.image.resize. The shapes do not
  depend on `scale`.

  Args:
    images: uint8 [B, S, S, C], with S * scale >= size.
    scale: float32 scalar for all images; 0.5 halves their sides.
    size: side of the results in pixels.
  Returns:
    uint8 [B, size, size, C], rounded and clipped.
  """
  # The operation behind tf.image.resize, which derives the scale from the shapes.
  levels = tf.raw_ops.ScaleAndTranslate(
    images=tf.cast(images, tf.float32),
    size=[size, size],
    scale=tf.fill([2], scale),
    translation=[0.0, 0.0],
    kernel_type="keyscubic",
    antialias=True,
  )
  bytes_ = tf.cast(tf.clip_by_value(tf.round(levels), 0.0, 255.0), tf.uint8)
  return tf.ensure_shape(bytes_, (images.shape[0], size, size, images.shape[3]))
