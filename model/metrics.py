"""Image quality, one number per image, by the protocol of FBCNN's evaluation code.

(jiaxi-jiang/FBCNN, utils/utils_image.py.) Everything is computed in float64: SSIM's variances are
differences of nearly equal numbers, wrong in the fifth digit in float32.
"""

import math

import numpy as np
import tensorflow as tf

from deblock.records.jpeg import sampling as jpeg_sampling

_BLOCK = jpeg_sampling.BLOCK
SSIM_WINDOW = 11
SSIM_SIGMA = 1.5
SSIM_K1, SSIM_K2 = 0.01, 0.03
_MATLAB_LUMA = (65.481, 128.553, 24.966)  # Of [0, 1], in levels above 16; ITU-R BT.601.


def quantize(images):
  """Returns `images` clipped to [0, 1] and rounded to the 256 levels of an 8-bit file, same dtype.

  The protocol rounds a network's output before any metric. NaN stays NaN.
  """
  return tf.round(tf.clip_by_value(images, 0.0, 1.0) * 255.0) / 255.0


def luma(images):
  """Returns the luma of RGB images by MATLAB's rgb2ycbcr, rounded to 8 bits.

  Args:
    images: float [B, H, W, 3] in [0, 1].
  Returns:
    float64 [B, H, W, 1], levels of 16 to 235 divided by 255.
  """
  levels = tf.linalg.matvec(tf.cast(images, tf.float64), tf.constant(_MATLAB_LUMA, tf.float64))
  return tf.round(levels + 16.0)[..., tf.newaxis] / 255.0


def psnr(restored, clean):
  """Returns the peak signal-to-noise ratio of each image, in decibels.

  20 log10(1 / sqrt(MSE)), with one MSE over all samples and channels of an image. Ratios are never
  averaged here: the mean of dB values is not the dB of the mean error.

  Args:
    restored: float [B, H, W, C] in [0, 1]; see `quantize`.
    clean: float, same shape and range.
  Returns:
    float64 [B]; +inf where the images are equal.
  Raises:
    ValueError: if the static shapes differ.
  """
  restored, clean = _pair(restored, clean)
  error = tf.reduce_mean(tf.math.squared_difference(restored, clean), axis=(1, 2, 3))
  return -10.0 / math.log(10.0) * tf.math.log(error)


def ssim(restored, clean):
  """Returns the structural similarity of each image (Wang et al. 2004).

  The mean over pixels and channels of
    (2 m_a m_b + C1) (2 c_ab + C2) / ((m_a² + m_b² + C1) (v_a + v_b + C2)),
  with C1 = 0.01², C2 = 0.03², and means m, biased variances v and covariance c in an 11x11 Gaussian
  window of sigma 1.5. The valid region only.

  Args:
    restored: float [B, H, W, C] in [0, 1], at least 11x11; see `quantize`.
    clean: float, same shape and range.
  Returns:
    float64 [B], at most 1.
  Raises:
    ValueError: if the static shapes differ or are smaller than the window.
  """
  restored, clean = _pair(restored, clean)
  height, width = restored.shape[1:3]
  if min(height or SSIM_WINDOW, width or SSIM_WINDOW) < SSIM_WINDOW:
    raise ValueError(
      f"SSIM needs images of at least {SSIM_WINDOW}x{SSIM_WINDOW} pixels, got {height}x{width}."
    )
  mean_a, mean_b = _window_mean(restored), _window_mean(clean)
  product, squares = mean_a * mean_b, tf.square(mean_a) + tf.square(mean_b)
  # The formula needs the sum of the variances only: four windows in place of five.
  variances = _window_mean(tf.square(restored) + tf.square(clean)) - squares
  covariance = _window_mean(restored * clean) - product
  c1, c2 = SSIM_K1**2, SSIM_K2**2
  luminance = (2.0 * product + c1) / (squares + c1)
  structure = (2.0 * covariance + c2) / (variances + c2)
  return tf.reduce_mean(luminance * structure, axis=(1, 2, 3))


def psnr_b(restored, clean):
  """Returns the PSNR-B of each image, in decibels: PSNR with a penalty for visible block edges.

  Yim and Bovik, "Quality Assessment of Deblocked Images", IEEE TIP 2011: the mean squared error
  plus the blocking effect factor of the restored image, eq. 2 to 9 with blocks of 8, as FBCNN's
  code computes it. For a colour image the error is over all colours and the factor is that of
  MATLAB's 8-bit luma. As in that code, edge pairs are counted for sides that are multiples of 8.

  Args:
    restored: float [B, H, W, 3] or [B, H, W, 1] in [0, 1], at least 9x9; see `quantize`.
    clean: float, same shape and range.
  Returns:
    float64 [B]; +inf where the images are equal and have no visible edge.
  Raises:
    ValueError: if the static shapes differ, or have no block edge.
  """
  restored, clean = _pair(restored, clean)
  height, width, channels = restored.shape[1:]
  if min(height or _BLOCK + 1, width or _BLOCK + 1) <= _BLOCK or channels not in (1, 3):
    raise ValueError(
      f"PSNR-B needs gray or colour images of at least {_BLOCK + 1}x{_BLOCK + 1} pixels, got "
      f"{restored.shape[1:]}."
    )
  error = tf.reduce_mean(tf.math.squared_difference(restored, clean), axis=(1, 2, 3))
  seen = restored[..., 0]
  if channels == 3:
    seen = luma(restored)[..., 0]
  return -10.0 / math.log(10.0) * tf.math.log(error + _blocking_effect(seen))


def _blocking_effect(planes):
  """Returns the blocking effect factor of float64 [B, H, W] planes, [B]."""
  height, width = (tf.cast(side, tf.float64) for side in tf.unstack(tf.shape(planes)[1:]))
  sides = height * width
  across = tf.square(planes[:, :, 1:] - planes[:, :, :-1])
  down = tf.square(planes[:, 1:] - planes[:, :-1])
  at_edges = _total(across[:, :, _BLOCK - 1 :: _BLOCK]) + _total(down[:, _BLOCK - 1 :: _BLOCK])
  elsewhere = _total(across) + _total(down) - at_edges
  edges = 2.0 * sides / _BLOCK - height - width
  others = 2.0 * sides - height - width - edges
  excess = at_edges / edges - elsewhere / others
  weight = math.log(_BLOCK) / tf.math.log(tf.minimum(height, width))
  return weight * tf.maximum(excess, 0.0)


def _total(differences):
  return tf.reduce_sum(differences, axis=(1, 2))


def _pair(restored, clean):
  restored = tf.cast(restored, tf.float64)
  clean = tf.cast(clean, tf.float64)
  if not restored.shape.is_compatible_with(clean.shape) or restored.shape.rank != 4:
    raise ValueError(
      "restored and clean must have one shape [B, H, W, C], got "
      f"{restored.shape} and {clean.shape}."
    )
  return restored, clean


def _window_mean(images):
  """Returns the Gaussian-weighted mean around each pixel that has a whole window, [B, h, w, C]."""
  offsets = np.arange(SSIM_WINDOW) - SSIM_WINDOW // 2
  weights = np.exp(-(offsets**2) / (2.0 * SSIM_SIGMA**2))
  weights = tf.constant(weights / weights.sum(), images.dtype)
  # The window is separable. Slices are summed because convolutions of float64 are slow on CPU.
  for axis in (1, 2):
    size = tf.shape(images)[axis] - SSIM_WINDOW + 1
    total = None
    for tap in range(SSIM_WINDOW):
      begin = [0, tap, 0, 0] if axis == 1 else [0, 0, tap, 0]
      extent = [-1, size, -1, -1] if axis == 1 else [-1, -1, size, -1]
      term = weights[tap] * tf.slice(images, begin, extent)
      total = term if total is None else total + term
    images = total
  return images
