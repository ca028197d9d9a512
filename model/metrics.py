"""Image quality, one number per image, by the protocol of FBCNN's evaluation code.

(jiaxi-jiang/FBCNN, utils/utils_image.py.) Everything is computed in float64: SSIM's variances are
differences of nearly equal numbers, wrong in the fifth digit in float32.

Metrics take and return NumPy arrays, so that figures need no TensorFlow. The loss of the same name
shares `similarity` with SSIM.
"""

import math

import numpy as np

from deblock.records.jpeg import sampling as jpeg_sampling

_BLOCK = jpeg_sampling.BLOCK
SSIM_WINDOW = 11
SSIM_SIGMA = 1.5
SSIM_K1, SSIM_K2 = 0.01, 0.03
_STRIP = 32  # Rows that are compared at a time: their windows' sums stay in the processor's cache.
_MATLAB_LUMA = (65.481, 128.553, 24.966)  # Of [0, 1], in levels above 16; ITU-R BT.601.


def luma(images: np.ndarray) -> np.ndarray:
  """Returns the luma of RGB images by MATLAB's rgb2ycbcr, rounded to 8 bits.

  Args:
    images: float [B, H, W, 3] in [0, 1].
  Returns:
    float64 [B, H, W, 1], levels of 16 to 235 divided by 255.
  """
  levels = images.astype(np.float64) @ np.array(_MATLAB_LUMA)
  return np.rint(levels + 16.0)[..., np.newaxis] / 255.0


def psnr(restored: np.ndarray, clean: np.ndarray) -> np.ndarray:
  """Returns the peak signal-to-noise ratio of each image, in decibels.

  20 log10(1 / sqrt(MSE)), with one MSE over all samples and channels of an image. Ratios are never
  averaged here: the mean of dB values is not the dB of the mean error.

  Args:
    restored: float [B, H, W, C] in [0, 1]; rounded to 8 bits by the caller, as in the protocol.
    clean: float, same shape and range.
  Returns:
    float64 [B]; +inf where the images are equal.
  Raises:
    ValueError: if the shapes differ.
  """
  return _decibels(_mean_squared_error(*_pair(restored, clean)))


def ssim(restored: np.ndarray, clean: np.ndarray) -> np.ndarray:
  """Returns the structural similarity of each image (Wang et al. 2004): the mean of `similarity`.

  Args:
    restored: float [B, H, W, C] in [0, 1], at least 11x11; see `psnr`.
    clean: float, same shape and range.
  Returns:
    float64 [B], at most 1.
  Raises:
    ValueError: if the shapes differ or are smaller than the window.
  """
  restored, clean = _pair(restored, clean)
  last = max(1, restored.shape[1] - SSIM_WINDOW + 1)
  ends = [(top, min(top + _STRIP, last) + SSIM_WINDOW - 1) for top in range(0, last, _STRIP)]
  strips = [similarity(restored[:, top:end], clean[:, top:end]) for top, end in ends]
  total = sum(strip.sum(axis=(1, 2, 3)) for strip in strips)
  return total / sum(strip[0].size for strip in strips)


def similarity(restored, clean):
  """Returns the structural similarity around each pixel that has a whole window.

  For each channel
    (2 m_a m_b + C1) (2 c_ab + C2) / ((m_a² + m_b² + C1) (v_a + v_b + C2)),
  with C1 = 0.01², C2 = 0.03², and means m, biased variances v and covariance c in an 11x11 Gaussian
  window of sigma 1.5.

  Args:
    restored: float64 [B, H, W, C] in [0, 1], at least 11x11; a NumPy array, or a tensor, through
      which gradients flow.
    clean: of the same type and shape.
  Returns:
    float64 [B, H - 10, W - 10, C], of the same type.
  Raises:
    ValueError: if the images are smaller than the window.
  """
  height, width = restored.shape[1:3]
  if min(height or SSIM_WINDOW, width or SSIM_WINDOW) < SSIM_WINDOW:
    raise ValueError(
      f"SSIM needs images of at least {SSIM_WINDOW}x{SSIM_WINDOW} pixels, got {height}x{width}."
    )
  mean_a, mean_b = _window_mean(restored), _window_mean(clean)
  product, squares = mean_a * mean_b, mean_a * mean_a + mean_b * mean_b
  # The formula needs the sum of the variances only: four windows in place of five.
  variances = _window_mean(restored * restored + clean * clean) - squares
  covariance = _window_mean(restored * clean) - product
  c1, c2 = SSIM_K1**2, SSIM_K2**2
  luminance = (2.0 * product + c1) / (squares + c1)
  structure = (2.0 * covariance + c2) / (variances + c2)
  return luminance * structure


def psnr_b(restored: np.ndarray, clean: np.ndarray) -> np.ndarray:
  """Returns the PSNR-B of each image, in decibels: PSNR with a penalty for visible block edges.

  Yim and Bovik, "Quality Assessment of Deblocked Images", IEEE TIP 2011: the mean squared error
  plus the blocking effect factor of the restored image, eq. 2 to 9 with blocks of 8, as FBCNN's
  code computes it. For a colour image the error is over all colours and the factor is that of
  MATLAB's 8-bit luma. As in that code, edge pairs are counted for sides that are multiples of 8.

  Args:
    restored: float [B, H, W, 3] or [B, H, W, 1] in [0, 1], at least 9x9; see `psnr`.
    clean: float, same shape and range.
  Returns:
    float64 [B]; +inf where the images are equal and have no visible edge.
  Raises:
    ValueError: if the shapes differ, or have no block edge.
  """
  restored, clean = _pair(restored, clean)
  height, width, channels = restored.shape[1:]
  if min(height, width) <= _BLOCK or channels not in (1, 3):
    raise ValueError(
      f"PSNR-B needs gray or colour images of at least {_BLOCK + 1}x{_BLOCK + 1} pixels, got "
      f"{restored.shape[1:]}."
    )
  seen = luma(restored) if channels == 3 else restored
  return _decibels(_mean_squared_error(restored, clean) + _blocking_effect(seen[..., 0]))


def _decibels(errors):
  with np.errstate(divide="ignore"):  # Equal images.
    return -10.0 * np.log10(errors)


def _mean_squared_error(restored, clean):
  errors = restored - clean
  return np.einsum("bhwc,bhwc->b", errors, errors) / errors[0].size


def _blocking_effect(planes):
  """Returns the blocking effect factor of float64 [B, H, W] planes, [B]."""
  height, width = planes.shape[1:]
  across = planes[:, :, 1:] - planes[:, :, :-1]
  down = planes[:, 1:] - planes[:, :-1]
  at_edges = _total(across[:, :, _BLOCK - 1 :: _BLOCK]) + _total(down[:, _BLOCK - 1 :: _BLOCK])
  elsewhere = _total(across) + _total(down) - at_edges
  edges = 2.0 * height * width / _BLOCK - height - width
  others = 2.0 * height * width - height - width - edges
  excess = at_edges / edges - elsewhere / others
  return math.log(_BLOCK) / math.log(min(height, width)) * np.maximum(excess, 0.0)


def _total(differences):
  """Returns the sum of squares of each image's differences."""
  return np.einsum("bhw,bhw->b", differences, differences)


def _pair(restored, clean):
  restored, clean = np.asarray(restored, np.float64), np.asarray(clean, np.float64)
  if restored.shape != clean.shape or restored.ndim != 4:
    raise ValueError(
      "restored and clean must have one shape [B, H, W, C], got "
      f"{restored.shape} and {clean.shape}."
    )
  return restored, clean


def _window_mean(images):
  """Returns the Gaussian-weighted mean around each pixel that has a whole window, [B, h, w, C]."""
  offsets = np.arange(SSIM_WINDOW) - SSIM_WINDOW // 2
  weights = np.exp(-(offsets**2) / (2.0 * SSIM_SIGMA**2))
  taps = (weights / weights.sum()).tolist()
  # The window is separable. Slices are summed, which arrays and tensors do alike: convolutions of
  # float64 are slow on CPU.
  ends = [tap - SSIM_WINDOW + 1 or None for tap in range(SSIM_WINDOW)]
  images = sum(taps[tap] * images[:, tap:end] for tap, end in enumerate(ends))
  return sum(taps[tap] * images[:, :, tap:end] for tap, end in enumerate(ends))
