"""The discrete cosine transform of JPEG's 8x8 blocks, in floating point and hence differentiable.

ITU-T T.81 (1992), A.3.3: orthonormal, so that squared errors of samples and of coefficients are the
same. What libjpeg computes in integers lies within 0.2 of it.
"""

import numpy as np
import tensorflow as tf

from deblock.records.jpeg import sampling as jpeg_sampling

_BLOCK = jpeg_sampling.BLOCK
_FREQUENCY, _SAMPLE = np.mgrid[:_BLOCK, :_BLOCK]
_MATRIX = np.cos((2 * _SAMPLE + 1) * _FREQUENCY * np.pi / (2 * _BLOCK)) * np.where(
  _FREQUENCY, np.sqrt(2 / _BLOCK), np.sqrt(1 / _BLOCK)
)
# Both passes at once: a product of 64x64 runs several times as fast as many of 8x8.
_BOTH_PASSES = np.kron(_MATRIX, _MATRIX)


def forward(planes):
  """Returns the coefficients of the blocks of planes.

  Args:
    planes: float [B, H, W]; H and W are multiples of 8.
  Returns:
    float [B, H / 8, W / 8, 8, 8], natural order: row = vertical frequency.
  """
  height, width = tf.unstack(tf.shape(planes)[1:])
  rows, columns = height // _BLOCK, width // _BLOCK
  split = tf.reshape(planes, [-1, rows, _BLOCK, columns, _BLOCK])
  samples = tf.reshape(tf.transpose(split, [0, 1, 3, 2, 4]), [-1, _BLOCK * _BLOCK])
  return tf.reshape(_product(samples, _BOTH_PASSES.T), [-1, rows, columns, _BLOCK, _BLOCK])


def inverse(coefficients):
  """Returns the planes, float [B, H, W], of coefficients as `forward` returns them."""
  rows, columns = tf.unstack(tf.shape(coefficients)[1:3])
  samples = _product(tf.reshape(coefficients, [-1, _BLOCK * _BLOCK]), _BOTH_PASSES)
  split = tf.reshape(samples, [-1, rows, columns, _BLOCK, _BLOCK])
  return tf.reshape(tf.transpose(split, [0, 1, 3, 2, 4]), [-1, rows * _BLOCK, columns * _BLOCK])


def _product(values, matrix):
  # GPUs round the factors of float32 products to 11 bits, unless told not to for the whole process:
  # coefficients of 1000 would be off by half a level.
  rounds = tf.config.experimental.tensor_float_32_execution_enabled()
  if not (rounds and tf.config.list_physical_devices("GPU")):
    return tf.matmul(values, tf.constant(matrix, values.dtype))
  return tf.cast(tf.matmul(tf.cast(values, tf.float64), tf.constant(matrix)), values.dtype)
