"""From pixels to the coefficients of JPEG's planes and back, in NumPy: colours, samples, the DCT.

Real numbers and linear, where libjpeg computes in integers. Levels are those of 8 bits, 0 to 255,
with chroma around 128.
"""

import numpy as np

from deblock.records.jpeg import sampling as jpeg_sampling

BLOCK = jpeg_sampling.BLOCK
CENTRE = np.float32(128.0)
_RED, _GREEN, _BLUE = (np.float32(weight) for weight in jpeg_sampling.LUMA)
_OF_BLUE, _OF_RED = 2 - 2 * _BLUE, 2 - 2 * _RED

_FREQUENCY, _SAMPLE = np.mgrid[:BLOCK, :BLOCK]
_MATRIX = np.cos((2 * _SAMPLE + 1) * _FREQUENCY * np.pi / (2 * BLOCK)) * np.where(
  _FREQUENCY, np.sqrt(2 / BLOCK), np.sqrt(1 / BLOCK)
)
# Rows and columns at once: one product of 64x64 is faster than many of 8x8.
_INVERSE = np.kron(_MATRIX, _MATRIX).astype(np.float32)
_FORWARD = np.ascontiguousarray(_INVERSE.T)
# OpenBLAS uses one thread for products of up to 64x64x64. Waiting for others costs more than it
# gains here.
_ROWS = 64


def from_rgb(levels: np.ndarray) -> np.ndarray:
  """Returns Y, Cb and Cr, float32 [3, H, W], of levels of RGB, float32 [3, H, W]."""
  red, green, blue = levels
  made = np.empty_like(levels)
  luma = _RED * red
  luma += _GREEN * green
  luma += _BLUE * blue
  made[0] = luma
  for plane, colour, scale in ((made[1], blue, _OF_BLUE), (made[2], red, _OF_RED)):
    np.subtract(colour, luma, out=plane)
    plane *= 1 / scale
    plane += CENTRE
  return made


def to_rgb(planes: np.ndarray) -> np.ndarray:
  """Returns the inverse of `from_rgb`, float32 [3, H, W] in levels."""
  luma, cb, cr = planes
  made = np.empty_like(planes)
  blue, red = cb - CENTRE, cr - CENTRE
  blue *= _OF_BLUE
  red *= _OF_RED
  np.add(luma, red, out=made[0])
  np.add(luma, blue, out=made[2])
  red *= _RED / _GREEN
  blue *= _BLUE / _GREEN
  np.subtract(luma, red, out=made[1])
  made[1] -= blue
  return made


def downsample(plane: np.ndarray, factors: tuple[int, int], rows: int) -> np.ndarray:
  """Returns one sample for each `factors` pixels, their mean.

  Args:
    plane: float32 [H, W]; the sides are multiples of 8 times the factors.
    factors: pixels to a sample, down and across.
    rows: that hold pixels; the encoder repeats the last of them below.
  Returns:
    float32 [H / down, W / across]; the plane itself where the factors are 1.
  """
  down, across = factors
  if down == across == 1:
    return plane
  samples = plane.reshape(len(plane) // down, down, -1, across)
  total = sum(samples[:, row, :, column] for row in range(down) for column in range(across))
  total *= np.float32(1 / (down * across))
  total[rows:] = total[rows - 1]
  return total


def spread(samples: np.ndarray, factors: tuple[int, int]) -> np.ndarray:
  """Returns samples, [h, w], repeated for each of their pixels, [down * h, across * w]."""
  down, across = factors
  if down == across == 1:
    return samples
  (height, width) = samples.shape
  shape = (height, down, width, across)
  repeated = np.broadcast_to(samples[:, np.newaxis, :, np.newaxis], shape)
  return repeated.reshape(height * down, width * across)


def forward(samples: np.ndarray) -> np.ndarray:
  """Returns the DCT coefficients of a plane's blocks (ITU-T T.81, A.3.3), without level shift.

  Args:
    samples: float32 [H, W]; the sides are multiples of 8.
  Returns:
    float32 [H / 8, W / 8, 64], natural order: index = 8 * vertical frequency + horizontal one.
  """
  rows, columns = (side // BLOCK for side in samples.shape)
  blocks = samples.reshape(rows, BLOCK, columns, BLOCK).swapaxes(1, 2)
  return _product(blocks.reshape(-1, BLOCK * BLOCK), _FORWARD).reshape(rows, columns, -1)


def inverse(coefficients: np.ndarray) -> np.ndarray:
  """Returns the plane, float32 [H, W], of coefficients as `forward` returns them."""
  rows, columns, _ = coefficients.shape
  blocks = _product(coefficients.reshape(-1, BLOCK * BLOCK), _INVERSE)
  blocks = blocks.reshape(rows, columns, BLOCK, BLOCK).swapaxes(1, 2)
  return blocks.reshape(rows * BLOCK, columns * BLOCK)


def _product(values, matrix):
  made = np.empty_like(values)
  whole = len(values) // _ROWS * _ROWS
  for first, last in ((0, whole), (whole, len(values))):
    parts = (-1, min(_ROWS, max(last - first, 1)), matrix.shape[0])
    np.matmul(values[first:last].reshape(parts), matrix, out=made[first:last].reshape(parts))
  return made
