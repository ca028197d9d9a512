"""Resizing by a random factor, with shapes that do not depend on it."""

import math

import tensorflow as tf


def source_size(size: int, smallest: float) -> int:
  """Returns the side of what `resized` needs for any scale from the smallest on.

  Whole blocks, since it is compressed before it is resized.
  """
  return 8 * math.ceil(size / smallest / 8)


def resized(images, scale, size):
  """Returns the beginnings of resized images: what lies beyond `size` pixels is left out.

  Bicubic (Keys), and antialiased where it shrinks, as Pillow and tf.image.resize do it.

  Args:
    images: uint8 [B, S, S, C], at least as large as `size` pixels at this scale are.
    scale: float32 scalar, of all of them; 0.5 halves their sides.
    size: side of the results in pixels.
  Returns:
    uint8 [B, size, size, C], rounded and clipped.
  """
  # The operation behind tf.image.resize, which has no place for a scale apart from the shapes.
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
