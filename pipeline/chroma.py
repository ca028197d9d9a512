"""Colour conversion and chroma subsampling of libjpeg-turbo, bit for bit.

All values are integers in float32. Sums with constants of 16 bits stay below 2^24, where float32 is
exact. Formulas: ITU-T T.871 for colours; the library's own for rounding and sampling.
"""

import numpy as np
import tensorflow as tf

from deblock.pipeline import dct
from deblock.records.jpeg import sampling as jpeg_sampling

# 128 in 16 fractional bits, and a rounding half that is smaller by one: no sum reaches 256.
_CENTRE = (128 * 2**16 + 2**15 - 1) / 2**16


def from_rgb(images):
  """Returns luma and chroma of RGB images.

  Args:
    images: uint8 [B, H, W, 3].
  Returns:
    luma, float32 [H, B, W], and chroma, float32 [H, 2 * B, W]: all Cb, then all Cr; in [0, 255].
  """
  red, green, blue = tf.unstack(tf.cast(tf.transpose(images, [3, 1, 0, 2]), tf.float32))
  luma = luma_of(red, green, blue)
  chroma = tf.concat(
    [32768 * blue - 11059 * red - 21709 * green, 32768 * red - 27439 * green - 5329 * blue], 1
  )
  return luma, tf.floor(chroma * 2.0**-16 + _CENTRE)


def luma_of(red, green, blue):
  """Returns the luma of colours, float32 in [0, 255], of their shape."""
  return dct.shift_right(19595 * red + 38470 * green + 7471 * blue, 16)


def to_rgb(luma, chroma):
  """Returns RGB images, uint8 [B, H, W, 3].

  Args:
    luma: float32 [H, B, W], in [0, 255].
    chroma: float32 [H, 2 * B, W], as `from_rgb` orders it.
  """
  blue, red = tf.split(chroma - 128, 2, axis=1)
  colours = [
    luma + dct.shift_right(91881 * red, 16),
    luma + dct.shift_right(-22554 * blue - 46802 * red, 16),
    luma + dct.shift_right(116130 * blue, 16),
  ]
  # Bytes by plane, then one transposition: stacking in the last axis takes 1.5 times as long.
  planes = tf.stack([tf.cast(tf.clip_by_value(c, 0.0, 255.0), tf.uint8) for c in colours])
  return tf.transpose(planes, [2, 1, 3, 0])


def downsample(planes, subsampling):
  """Returns planes with one sample, the mean, for each 1x1, 1x2 or 2x2 pixels.

  Means are rounded up and down in turn along a row: the library dithers halves so.

  Args:
    planes: float32 [H, N, W].
    subsampling: "444", "422" or "420".
  Returns:
    float32 [ceil(H / rows), N, W'], W' the number of columns rounded up to a multiple of 8. The
    last pixels are repeated before the means are taken.
  """
  rows, columns = jpeg_sampling.FACTORS[subsampling]
  planes = repeat_last(repeat_last(planes, 0, rows), 2, columns * jpeg_sampling.BLOCK)
  width = planes.shape[2] // columns
  if columns == 1:
    return planes
  means = _sum_of_pairs(planes, 2)
  if rows == 1:
    return tf.floor((means + _in_turn(0, 1, width)) * 0.5)
  return tf.floor((_sum_of_pairs(means, 0) + _in_turn(1, 2, width)) * 0.25)


def upsample(planes, height, width, subsampling):
  """Returns planes with one sample per pixel, by the triangle filter ("fancy upsampling").

  Args:
    planes: float32 [h, N, w], without samples of padding, which would leak into the image.
    height: of the image.
    width: of the image.
    subsampling: "444", "422" or "420".
  Returns:
    float32 [height, N, width].
  """
  rows, columns = jpeg_sampling.FACTORS[subsampling]
  if columns == 1:
    return planes
  # The library does not filter planes this narrow, whatever their height.
  if planes.shape[2] <= 2:
    return tf.repeat(tf.repeat(planes, rows, 0), columns, 2)[:height, :, :width]
  if rows == 2:
    above, below = _towards_neighbours(planes, 0)
    planes = _woven(above, below, 0)
  left, right = _towards_neighbours(planes, 2)
  # Halves go up and down in turn, as in downsampling.
  if rows == 2:
    woven = _woven(tf.floor((left + 8) * 0.0625), tf.floor((right + 7) * 0.0625), 2)
  else:
    woven = _woven(tf.floor((left + 1) * 0.25), tf.floor((right + 2) * 0.25), 2)
  return woven[:height, :, :width]


def repeat_last(planes, axis, multiple):
  """Returns planes with the last row (axis 0) or column (axis 2) repeated up to a multiple."""
  count = -planes.shape[axis] % multiple
  if not count:
    return planes
  last = planes[-1:] if axis == 0 else planes[:, :, -1:]
  return tf.concat([planes, tf.repeat(last, count, axis)], axis)


def _sum_of_pairs(planes, axis):
  height, _, width = planes.shape
  shape = [height, -1, width]
  shape[axis : axis + 1] = [shape[axis] // 2, 2]
  first, second = tf.unstack(tf.reshape(planes, shape), axis=axis + 1)
  return first + second


def _in_turn(even, odd, width):
  return tf.constant(np.where(np.arange(width) % 2, odd, even), tf.float32)


def _woven(even, odd, axis):
  shape = [even.shape[0], -1, even.shape[2]]
  shape[axis] *= 2
  return tf.reshape(tf.stack([even, odd], axis + 1), shape)


def _towards_neighbours(planes, axis):
  """Returns 3 * sample + the one before it, and 3 * sample + the one after it; edges repeat."""
  length = planes.shape[axis]
  first, rest = tf.split(planes, [1, length - 1], axis)
  most, last = tf.split(planes, [length - 1, 1], axis)
  return (
    3 * planes + tf.concat([first, most], axis),
    3 * planes + tf.concat([rest, last], axis),
  )
