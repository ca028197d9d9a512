"""Classic filters against JPEG artifacts, as baselines: float images in [0, 1] in and out.

Their strength follows the JPEG's quantisation steps, by factors chosen on validation images. They
treat an image of three equal channels as they would its one channel.
"""

import numpy as np
from skimage import restoration

from deblock.records.jpeg import codec
from deblock.records.jpeg import encoders as jpeg_encoders

SHIFTS = 8
_BILATERAL_RADIUS = 2
_BILATERAL_SIGMA = 1.6  # Pixels.
_BILATERAL_RANGE = 0.5  # Of a step.
_TV_WEIGHT = 0.15  # Of a step.
_NLMEANS_STRENGTH = 0.25  # Of a step.


def step(tables: np.ndarray) -> float:
  """Returns the mean luma step of the lowest frequencies, in parts of a sample's range.

  Args:
    tables: [2, 8, 8] quantisation steps.
  """
  return float(np.mean(tables[0, :3, :3])) / 255.0


def bilateral(image: np.ndarray, tables: np.ndarray) -> np.ndarray:
  """Returns a mean over near pixels of near colours (Tomasi and Manduchi, ICCV 1998).

  Args:
    image: float32 [H, W, 3].
    tables: [2, 8, 8], of its JPEG.
  """
  radius = _BILATERAL_RADIUS
  padded = np.pad(image, ((radius, radius), (radius, radius), (0, 0)), "symmetric")
  height, width, _ = image.shape
  reach = np.float32(_BILATERAL_RANGE * step(tables))
  total = np.zeros_like(image)
  weights = np.zeros((height, width, 1), np.float32)
  for row in range(2 * radius + 1):
    for column in range(2 * radius + 1):
      near = padded[row : row + height, column : column + width]
      apart = ((row - radius) ** 2 + (column - radius) ** 2) / (2.0 * _BILATERAL_SIGMA**2)
      unlike = np.mean(np.square(near - image), axis=2, keepdims=True) / (2.0 * reach**2)
      weight = np.exp(-np.float32(apart) - unlike)
      total += weight * near
      weights += weight
  return total / weights


def nlmeans(image: np.ndarray, tables: np.ndarray) -> np.ndarray:
  """Returns a mean over pixels with like surroundings (Buades, Coll and Morel, CVPR 2005).

  Arguments are those of `bilateral`.
  """
  strength = _NLMEANS_STRENGTH * step(tables)
  return restoration.denoise_nl_means(
    image, patch_size=5, patch_distance=5, h=strength, fast_mode=True, channel_axis=2
  ).astype(np.float32)


def tv(image: np.ndarray, tables: np.ndarray) -> np.ndarray:
  """Returns the near image of little total variation (Rudin, Osher and Fatemi 1992).

  By Chambolle's algorithm (2004), each channel by itself. Arguments are those of `bilateral`.
  """
  weight = _TV_WEIGHT * step(tables)
  return restoration.denoise_tv_chambolle(
    image, weight=weight, eps=1e-4, max_num_iter=100, channel_axis=2
  ).astype(np.float32)


def reencodings(image: np.ndarray, tables: np.ndarray, subsampling: str = "420") -> np.ndarray:
  """Returns the mean of the JPEGs of an image on 64 shifted grids (Nosratinia 2001).

  "Enhancement of JPEG-compressed images by re-application of JPEG", J. VLSI Signal Processing 27.
  Each puts its block edges elsewhere; the first is the image itself, nearly.

  Args:
    image: float32 [H, W, 3].
    tables: [2, 8, 8], of its JPEG; the nearest IJG quality is used.
    subsampling: of its colours.
  """
  quality = jpeg_encoders.nearest_quality(tables)
  samples = np.rint(255.0 * image).astype(np.uint8)
  total = np.zeros(samples.shape, np.int32)
  for top in range(SHIFTS):
    for left in range(SHIFTS):
      shifted = np.pad(samples, ((top, 0), (left, 0), (0, 0)), "edge")
      decoded = codec.decode(codec.encode(shifted, quality, subsampling))
      total += decoded[top:, left:]
  return total.astype(np.float32) / np.float32(255.0 * SHIFTS**2)
