"""SSIMULACRA 2: how alike two images look. 100 is equal, 90 can hardly be told apart, 30 is poor.

By Jon Sneyers, Cloudinary; version 2.1 (github.com/cloudinary/ssimulacra2, 2023). It compares
structures, new edges and lost edges in the colour space XYB at six sizes. The weights of the 108
means were fitted to 17,611 opinions about compressed images.

It is written here because the package `ssimulacra2` 0.3 is not equal to the reference: it mirrors
the image at two borders where the reference has zeros, and is off by 3 to 5 points at quality 10.
This module stays within 0.13 of the reference, libjxl 0.11.2 (`make bench PART=ssimulacra2`).
"""

import numpy as np

SMALLEST_SIDE = 8
_SCALES = 6
_C2 = np.float32(0.0009)

# Linear RGB to what the three kinds of cones take up, and its bias (libjxl's cms/opsin_params.h).
_CONES = np.array(
  (
    (0.30, 0.622, 0.078),
    (0.23, 0.692, 0.078),
    (0.243422689, 0.204767444, 0.551809867),
  ),
  np.float32,
)
_BIAS = np.float32(0.0037930733)
# X, Y and B - Y are stretched and moved until they are positive.
_STRETCH = np.array((14.0, 1.0, 1.0), np.float32)
_MOVE = np.array((0.42, 0.01, 0.55), np.float32)

# Three rows of six sizes, 1:1 to 1:32: of X, Y and B - Y. In a row the mean over the pixels of
# structure, new edges and lost edges, then the fourth root of the mean of their fourth powers.
# fmt: off
_WEIGHTS = np.array((
  (0, 0.000737660671, 0, 0, 0.000779348168, 0),
  (0, 0.000437115573, 0, 1.10417264, 0.000662848341, 0.000152316328),
  (0, 0.00164064375, 0, 1.84224555, 11.4411726, 0),
  (0.000798910944, 0.000176816438, 0, 1.8787595, 10.9490699, 0),
  (0.000728934699, 0.967793708, 0, 0.000140034243, 0.998176698, 0.000319497559),
  (0.000455099211, 0, 0, 0.00136487662, 0, 0),
  (0, 0, 0, 7.46689033, 0, 17.445834),
  (0.000623560163, 0, 0, 6.68367815, 0.00037724408, 1.02788994),
  (225.205153, 0, 0, 19.2132382, 0.00114015246, 0.00123775564),
  (176.393176, 0, 0, 24.43301, 0.285208026, 0.000448543692),
  (0, 0, 0, 34.7790634, 44.8356253, 0),
  (0, 0, 0, 0, 0, 0),
  (0, 0.000868055657, 0, 0, 0, 0),
  (0, 0.000531319187, 0, 0.000165338142, 0, 0),
  (0, 0, 0, 0.00041791718, 0.00172908282, 0),
  (0.00208270058, 0, 0, 8.82698276, 23.1924334, 0),
  (95.1080499, 0.986397803, 0.983438279, 0.0012286405, 171.266726, 0.980785887),
  (0, 0, 0, 0.000513006459, 0, 0.000108540579),
))
# fmt: on


def ssimulacra2(restored: np.ndarray, clean: np.ndarray) -> np.ndarray:
  """Returns the SSIMULACRA 2 score of each image.

  Deviations from the reference: the colours are taken for sRGB, whatever a profile says, and the
  window is summed directly, not recursively. Both compute in float32.

  Args:
    restored: float [B, H, W, 3] or [B, H, W, 1] in [0, 1], at least 8x8; rounded to 8 bits by the
      caller.
    clean: float, same shape and range.
  Returns:
    float64 [B], at most 100; negative where hardly anything is left.
  Raises:
    ValueError: if the shapes differ, or are smaller than 8x8.
  """
  if restored.shape != clean.shape or clean.ndim != 4 or clean.shape[3] not in (1, 3):
    raise ValueError(
      "restored and clean must have one shape [B, H, W, 3] or [B, H, W, 1], got "
      f"{restored.shape} and {clean.shape}."
    )
  if min(clean.shape[1:3]) < SMALLEST_SIDE:
    raise ValueError(
      f"SSIMULACRA 2 needs images of at least {SMALLEST_SIDE}x{SMALLEST_SIDE} pixels, got "
      f"{clean.shape[1]}x{clean.shape[2]}."
    )
  pairs = zip(restored, clean, strict=True)
  return np.array([_score(_linear(one), _linear(other)) for one, other in pairs])


def _score(restored, clean):
  """Returns the score of a pair of linear float32 [3, H, W]."""
  means: list[np.ndarray] = []
  for _ in range(_SCALES):
    if min(clean.shape[1:]) < SMALLEST_SIDE:
      break
    # The reference too halves an image of eight pixels, and measures one of four.
    if means:
      restored, clean = _halved(restored), _halved(clean)
    means.append(_means(_positive_xyb(restored), _positive_xyb(clean)))
  # Where sizes are missing, the reference takes the first weights for what there is.
  found = np.stack(means, axis=1).reshape(-1)
  total = 0.9562382616834844 * np.dot(_WEIGHTS.reshape(-1)[: found.size], found)
  curve = 2.326765642916932 * total - 0.020884521182843837 * total**2
  curve += 6.248496625763138e-05 * total**3
  return 100.0 - 10.0 * max(curve, 0.0) ** 0.6276336467831387


def _means(restored, clean):
  """Returns the means of a pair of XYB at one size, float64 [3, 6] in the order of the weights."""
  mean_a, mean_b = _windowed(restored), _windowed(clean)
  covariance = _windowed(restored * clean) - mean_a * mean_b
  # The squares of the means are added first: equal images then score exactly 100.
  squares = mean_a * mean_a + mean_b * mean_b
  variances = _windowed(restored * restored + clean * clean) - squares
  luminance = 1.0 - np.square(mean_a - mean_b)
  structure = 1.0 - luminance * (2.0 * covariance + _C2) / (variances + _C2)
  edges = (1.0 + np.abs(restored - mean_a)) / (1.0 + np.abs(clean - mean_b)) - 1.0
  maps = [np.maximum(item, 0.0) for item in (structure, edges, -edges)]
  firsts = [item.mean(axis=(1, 2), dtype=np.float64) for item in maps]
  fourths = [np.square(np.square(item)).mean(axis=(1, 2), dtype=np.float64) for item in maps]
  return np.stack([*firsts, *(item**0.25 for item in fourths)], axis=1)


def _linear(image):
  """Returns sRGB [H, W, C] in [0, 1] as linear light, float32 [3, H, W]."""
  image = np.moveaxis(image.astype(np.float32), 2, 0)
  light = np.where(image <= 0.04045, image / 12.92, ((image + 0.055) / 1.055) ** 2.4)
  return np.broadcast_to(light.astype(np.float32), (3, *light.shape[1:]))


def _positive_xyb(linear):
  mixed = np.tensordot(_CONES, linear, 1) + _BIAS
  long, middle, short = np.cbrt(np.maximum(mixed, 0.0)) - np.cbrt(_BIAS)
  y = 0.5 * (long + middle)
  planes = np.stack((0.5 * (long - middle), y, short - y))
  return planes * _STRETCH[:, np.newaxis, np.newaxis] + _MOVE[:, np.newaxis, np.newaxis]


def _halved(planes):
  """Returns the means of squares of four pixels; a last odd row or column counts twice."""
  planes = np.pad(planes, ((0, 0), (0, planes.shape[1] % 2), (0, planes.shape[2] % 2)), "edge")
  rows = planes[:, ::2] + planes[:, 1::2]
  return np.float32(0.25) * (rows[:, :, ::2] + rows[:, :, 1::2])


def _windowed(planes):
  """Returns the window's sums around each pixel; beyond the border everything is zero."""
  reach = _TAPS.size // 2
  for axis in (1, 2):
    length = planes.shape[axis]
    padding = [(0, 0)] * 3
    padding[axis] = (reach, reach)
    padded = np.moveaxis(np.pad(planes, padding), axis, 0)
    total = sum(tap * padded[place : place + length] for place, tap in enumerate(_TAPS))
    planes = np.moveaxis(total, 0, axis)
  return planes


def _window_taps(sigma, radius):
  """Returns a Gaussian made of three cosines, float32 [2 radius - 1] (Charalampidis 2016).

  "Recursive Implementation of the Gaussian Filter Using Truncated Cosine Functions", IEEE TSP 64:
  amplitudes as near as possible to those of the Gaussian, for which the sum is 1 and the variance
  is that of the Gaussian.
  """
  places = np.arange(1 - radius, radius)
  frequencies = np.pi / (2 * radius) * np.array((1.0, 3.0, 5.0))
  cosines = np.cos(frequencies[:, np.newaxis] * places)
  conditions = np.stack([np.ones(places.size), places**2]) @ cosines.T
  gaussian = np.exp(-0.5 * (sigma * frequencies) ** 2) / radius
  missing = np.array((1.0, sigma**2)) - conditions @ gaussian
  return ((gaussian + np.linalg.pinv(conditions) @ missing) @ cosines).astype(np.float32)


_TAPS = _window_taps(sigma=1.5, radius=5)
