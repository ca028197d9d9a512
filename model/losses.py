"""Losses, one number per image; the training step divides their sum by the global batch.

All take (restored, clean, tables). Losses that weigh errors by the JPEG's steps need the tables.
"""

from collections.abc import Callable
import math

import numpy as np
import tensorflow as tf

from deblock.model import metrics
from deblock.records.jpeg import sampling as jpeg_sampling

CHARBONNIER_EPSILON = 1e-3
SOBEL_WEIGHT = 1.0
PSNR_FLOOR = 1e-8
_BLOCK = jpeg_sampling.BLOCK
_FREQUENCY, _SAMPLE = np.mgrid[:_BLOCK, :_BLOCK]
_DCT = np.cos((2 * _SAMPLE + 1) * _FREQUENCY * np.pi / (2 * _BLOCK)) * np.where(
  _FREQUENCY, np.sqrt(2 / _BLOCK), np.sqrt(1 / _BLOCK)
)
# Both passes at once: a product of 64x64 runs several times as fast as many of 8x8.
_BOTH_PASSES = np.kron(_DCT, _DCT).T


def l1(restored, clean, tables=None):
  """Returns the mean absolute error of each image.

  Args:
    restored: float [B, H, W, C].
    clean: float, same shape and range.
    tables: unused.
  Returns:
    float [B], in the unit of the images.
  """
  del tables
  return tf.reduce_mean(tf.abs(restored - clean), axis=(1, 2, 3))


def l2(restored, clean, tables=None):
  """Returns the mean squared error of each image; arguments and shape as in `l1`."""
  del tables
  return tf.reduce_mean(tf.math.squared_difference(restored, clean), axis=(1, 2, 3))


def smooth_l1(restored, clean, tables=None):
  """Returns the Huber loss with threshold 1 of each image, BlockCNN's (PyTorch's SmoothL1).

  The published code trains on levels of 0 to 255, so the error is scaled to levels here: in [0, 1]
  it never reaches the threshold.

  Args:
    restored: float [B, H, W, C] in [0, 1].
    clean: float, same shape and range.
    tables: unused.
  Returns:
    float [B], in levels.
  """
  del tables
  error = 255.0 * tf.abs(restored - clean)
  return tf.reduce_mean(tf.where(error < 1.0, 0.5 * tf.square(error), error - 0.5), axis=(1, 2, 3))


def charbonnier(restored, clean, tables=None):
  """Returns the mean of sqrt(error² + ε²) of each image, ε = 0.001: a smooth L1.

  Charbonnier et al., "Two deterministic half-quadratic regularization algorithms for computed
  imaging", ICIP 1994; with this ε Lai et al., LapSRN, CVPR 2017, section 3.2. Equal images give ε.
  Arguments and shape as in `l1`.
  """
  del tables
  squared = tf.math.squared_difference(restored, clean)
  return tf.reduce_mean(tf.sqrt(squared + CHARBONNIER_EPSILON**2), axis=(1, 2, 3))


def sobel(restored, clean, tables=None):
  """Returns the mean squared error of each image plus that of its Sobel derivatives.

  The edge-preserving objective of Svoboda et al., "Compression Artifacts Removal Using
  Convolutional Neural Networks", 2016 (arXiv 1605.00366). Our reading: both derivatives at every
  pixel with all neighbours in the image, filters divided by 8 so that a ramp has its slope, and
  equal weights, since we could not verify the paper's.

  Args:
    restored: float [B, H, W, C], H and W at least 3.
    clean: float, same shape and range.
    tables: unused.
  Returns:
    float [B], in the squared unit of the images.
  Raises:
    ValueError: if the static sides are below 3.
  """
  del tables
  if min(restored.shape[1] or 3, restored.shape[2] or 3) < 3:
    raise ValueError(f"the Sobel loss needs images of at least 3x3 pixels, got {restored.shape}.")
  error = restored - clean
  # Slices, since these filters are sparse and a depth-wise convolution is slow on CPU.
  across = error[:, :, 2:] - error[:, :, :-2]
  across = (across[:, :-2] + 2.0 * across[:, 1:-1] + across[:, 2:]) / 8.0
  down = error[:, 2:] - error[:, :-2]
  down = (down[:, :, :-2] + 2.0 * down[:, :, 1:-1] + down[:, :, 2:]) / 8.0
  edges = tf.reduce_mean(tf.square(across) + tf.square(down), axis=(1, 2, 3))
  return tf.reduce_mean(tf.square(error), axis=(1, 2, 3)) + SOBEL_WEIGHT * edges


def frequency(restored, clean, tables=None):
  """Returns the mean absolute error of each image's DCT coefficients, in steps of its JPEG.

  mean |DCT(restored - clean)| / step. The step is the uncertainty that the JPEG leaves in a
  coefficient, so all coefficients are weighed by what the file does not say. Losses on
  coefficients: Guo and Chao, "Building Dual-Domain Representations for Compression Artifacts
  Reduction", ECCV 2016; the weights are ours. Chroma is transformed at full resolution.

  Args:
    restored: float [B, H, W, 3] in [0, 1]; H and W are multiples of 8, and the block grid starts at
      the first pixel.
    clean: float, same shape and range.
    tables: float [B, 2, 8, 8], steps of luma and chroma.
  Returns:
    float [B], in steps.
  Raises:
    ValueError: if there are no tables, or a static side is not a multiple of 8.
  """
  if tables is None:
    raise ValueError("the frequency loss needs the quantisation tables, got none.")
  if any((side or 0) % _BLOCK for side in restored.shape[1:3]):
    raise ValueError(
      f"the frequency loss needs sides that are multiples of 8, got {restored.shape[1:3]}."
    )
  steps = tf.cast(tables, restored.dtype)[:, :, tf.newaxis, tf.newaxis]
  errors = [
    tf.abs(_coefficients(plane)) / steps[:, min(index, 1)]
    for index, plane in enumerate(_planes(restored - clean))
  ]
  return tf.add_n([tf.reduce_mean(error, axis=(1, 2, 3, 4)) for error in errors]) / len(errors)


def ssim(restored, clean, tables=None):
  """Returns 1 - SSIM of each image, computed in float64; see `metrics.similarity`.

  Zhao et al., "Loss Functions for Image Restoration With Neural Networks", IEEE TCI 2017, eq. 6;
  they vary the window's size; here it is the metric's.

  Args:
    restored: float [B, H, W, C] in [0, 1], at least 11x11.
    clean: float, same shape and range.
    tables: unused.
  Returns:
    float [B] in [0, 2].
  Raises:
    ValueError: if the images are smaller than the window.
  """
  del tables
  similarity = metrics.similarity(tf.cast(restored, tf.float64), tf.cast(clean, tf.float64))
  return tf.cast(1.0 - tf.reduce_mean(similarity, axis=(1, 2, 3)), restored.dtype)


def psnr(restored, clean, tables=None):
  """Returns minus the PSNR of each image, 10 log10(mean squared error + 1e-8), in decibels.

  The PSNRLoss of NAFNet's code (Chen et al., "Simple Baselines for Image Restoration", ECCV 2022).
  It weighs an image more the smaller its error is. The floor keeps a perfect image at -80 dB
  instead of minus infinity. Arguments as in `l1`, images in [0, 1].

  Returns:
    float [B], in decibels, mostly negative.
  """
  error = l2(restored, clean, tables)
  return 10.0 / math.log(10.0) * tf.math.log(error + PSNR_FLOOR)


def _planes(differences):
  """Returns the differences of Y, Cb and Cr in levels, of those of RGB images in [0, 1]."""
  red, green, blue = tf.unstack(255.0 * differences, axis=-1)
  of_red, of_green, of_blue = jpeg_sampling.LUMA
  luma = of_red * red + of_green * green + of_blue * blue
  return luma, (blue - luma) / (2.0 - 2.0 * of_blue), (red - luma) / (2.0 - 2.0 * of_red)


def _coefficients(planes):
  """Returns the orthonormal DCT of the blocks of planes, float [B, rows, columns, 8, 8]."""
  height, width = tf.unstack(tf.shape(planes)[1:])
  rows, columns = height // _BLOCK, width // _BLOCK
  split = tf.reshape(planes, [-1, rows, _BLOCK, columns, _BLOCK])
  samples = tf.reshape(tf.transpose(split, [0, 1, 3, 2, 4]), [-1, _BLOCK * _BLOCK])
  # GPUs round the factors of float32 products to 11 bits: coefficients of 1000 would be off by 0.5.
  rounds = tf.config.experimental.tensor_float_32_execution_enabled()
  if rounds and tf.config.list_physical_devices("GPU"):
    made = tf.cast(tf.matmul(tf.cast(samples, tf.float64), _BOTH_PASSES), planes.dtype)
  else:
    made = tf.matmul(samples, tf.constant(_BOTH_PASSES, planes.dtype))
  return tf.reshape(made, [-1, rows, columns, _BLOCK, _BLOCK])


_LOSSES: dict[str, Callable] = {
  "charbonnier": charbonnier,
  "frequency": frequency,
  "l1": l1,
  "l2": l2,
  "psnr": psnr,
  "smooth_l1": smooth_l1,
  "sobel": sobel,
  "ssim": ssim,
}


def names() -> tuple[str, ...]:
  """Returns the names of all losses, sorted."""
  return tuple(sorted(_LOSSES))


def get(name: str) -> Callable:
  """Returns the loss of that name, (restored, clean, tables) to float [B].

  Raises:
    ValueError: if there is none; the message lists all names.
  """
  if name not in _LOSSES:
    raise ValueError(f"loss must be one of {', '.join(names())}, got {name!r}.")
  return _LOSSES[name]
