"""The accurate integer DCT of libjpeg ("islow"), bit for bit, as matrix products.

One pass is y = (M x + 2^(b-1)) >> b, with an integer matrix M and a shift of b bits: libjpeg's
factorisation (Loeffler, Ligtenberg and Moschytz, "Practical fast 1-D DCT algorithms with 11
multiplications", ICASSP 1989; constants of 13 bits) is linear before its rounding shift. Products
in float32 are exact while no sum exceeds 2^24.
"""

import numpy as np
import tensorflow as tf

from deblock.records.jpeg import sampling as jpeg_sampling

_BLOCK = jpeg_sampling.BLOCK
# Row = frequency, column = sample. An entry is a sum of rounded constants, so it may differ by one
# from the rounded cosine. The inverse uses the transpose.
_MATRIX = np.array(
  (
    (8192, 8192, 8192, 8192, 8192, 8192, 8192, 8192),
    (11363, 9633, 6437, 2260, -2260, -6437, -9633, -11363),
    (10703, 4433, -4433, -10703, -10703, -4433, 4433, 10703),
    (9633, -2259, -11362, -6436, 6436, 11362, 2259, -9633),
    (8192, -8192, -8192, 8192, 8192, -8192, -8192, 8192),
    (6437, -11362, 2261, 9633, -9633, -2261, 11362, -6437),
    (4433, -10704, 10704, -4433, -4433, 10704, -10704, 4433),
    (2260, -6436, 9633, -11363, 11363, -9633, 6436, -2260),
  ),
  np.float32,
)
# Sums of the later passes reach 2^28. They are computed as 2^7 * high + low, both below 2^24.
_SPLIT = 7
_HIGH = np.floor(_MATRIX * 2.0**-_SPLIT + 0.5)
_LOW = _MATRIX - _HIGH * 2**_SPLIT


def forward(planes):
  """Returns the DCT coefficients of planes, 8 times as large as ITU-T T.81 defines them.

  Args:
    planes: float32 [H, N, W], integers in [-128, 127]; H and W are multiples of 8 and static.
  Returns:
    float32 [H, N, W], integers: each 8x8 block of samples becomes its coefficients, in natural
    order, row = vertical frequency.
  """
  sums = _product(tf.reshape(planes, [-1, _BLOCK]), tf.constant(_MATRIX.T))
  rows = _block_rows(shift_right(sums, 11), planes.shape)
  high, low = (_product(tf.constant(part), rows) for part in (_HIGH, _LOW))
  return _planes(_shift_wide(high, low, 15), planes.shape)


def inverse(coefficients):
  """Returns the samples of dequantised coefficients, before the level shift and the clamp.

  Args:
    coefficients: float32 [H, N, W], integers in the layout of `forward`, scaled as in ITU-T T.81.
      Coefficients of an image, quantised by steps up to 255, are computed exactly.
  Returns:
    float32 [H, N, W], integers around 0.
  """
  columns = _block_rows(coefficients, coefficients.shape)
  high, low = (_product(tf.constant(part.T), columns) for part in (_HIGH, _LOW))
  rows = tf.reshape(_shift_wide(high, low, 11), [-1, _BLOCK])
  high, low = (_product(rows, tf.constant(part)) for part in (_HIGH, _LOW))
  return _planes(_shift_wide(high, low, 18), coefficients.shape)


def quantize(coefficients, steps):
  """Returns the quantised coefficients: the nearest multiples of the steps, halves away from zero.

  Args:
    coefficients: as `forward` returns them.
    steps: float32 [N, 8, 8], integers in [1, 255].
  Returns:
    float32 [H, N, W], integers.
  """
  # tf.round sends halves to even numbers. The factor above 1 lifts halves, and nothing else: the
  # next quotient below a half is 1 / (8 * 255) away.
  scales = (1 + 2.0**-18) / 8 / steps
  return _by_block(coefficients, scales, tf.round)


def dequantize(coefficients, steps):
  """Returns quantised coefficients multiplied by their steps; shapes as in `quantize`."""
  return _by_block(coefficients, steps)


def to_blocks(planes):
  """Returns planes [H, N, W] as their blocks, [N, H / 8, W / 8, 8, 8]."""
  height, _, width = planes.shape
  split = tf.reshape(planes, [height // _BLOCK, _BLOCK, -1, width // _BLOCK, _BLOCK])
  return tf.transpose(split, [2, 0, 3, 1, 4])


def from_blocks(blocks):
  """Returns the planes [H, N, W] of blocks [N, H / 8, W / 8, 8, 8]."""
  rows, columns = blocks.shape[1:3]
  return tf.reshape(tf.transpose(blocks, [1, 3, 0, 2, 4]), [rows * _BLOCK, -1, columns * _BLOCK])


def shift_right(sums, bits):
  """Returns integers held in float32, divided by 2^bits and rounded, halves up."""
  return tf.floor(sums * 2.0**-bits + 0.5)


def _product(left, right):
  # By default GPUs round the factors of float32 products to 11 bits (TF32).
  rounds = tf.config.experimental.tensor_float_32_execution_enabled()
  if not (rounds and tf.config.list_physical_devices("GPU")):
    return tf.matmul(left, right)
  return tf.cast(tf.matmul(tf.cast(left, tf.float64), tf.cast(right, tf.float64)), tf.float32)


def _shift_wide(high, low, bits):
  # The inner floor drops bits that cannot affect the result, and keeps the sum below 2^24.
  carried = tf.floor(low * 2.0**-_SPLIT + 2.0 ** (bits - 1 - _SPLIT))
  return tf.floor((high + carried) * 2.0 ** (_SPLIT - bits))


def _by_block(planes, factors, rounding=tf.identity):
  height, _, width = planes.shape
  rows = tf.reshape(planes, [height // _BLOCK, _BLOCK, -1, width])
  tiled = tf.tile(tf.transpose(factors, [1, 0, 2]), [1, 1, width // _BLOCK])
  return _planes(rounding(rows * tiled), planes.shape)


def _block_rows(values, shape):
  height, count, width = shape
  columns = -1 if count is None else count * width
  return tf.reshape(values, [height // _BLOCK, _BLOCK, columns])


def _planes(values, shape):
  return tf.reshape(values, [shape[0], -1, shape[2]])
