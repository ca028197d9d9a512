"""From pixels to the coefficients of JPEG's planes and back, in NumPy: colours, samples, the DCT.

Real numbers and linear, where libjpeg computes in integers. Levels are those of 8 bits less 128, as
in JPEG itself, with chroma around 0.

Pixels lie in units, the smallest areas that hold whole blocks of all planes, and there in blocks of
8x8: the coefficients of a unit are then one product of matrices, without copies in between.
"""

import functools
from typing import NamedTuple

import numpy as np

from deblock.records.jpeg import sampling as jpeg_sampling

BLOCK = jpeg_sampling.BLOCK
CENTRE = np.float32(128.0)
LOWEST, HIGHEST = -CENTRE, 255 - CENTRE
_RED, _GREEN, _BLUE = (np.float32(weight) for weight in jpeg_sampling.LUMA)
_OF_BLUE, _OF_RED = 2 - 2 * _BLUE, 2 - 2 * _RED

_FREQUENCY, _SAMPLE = np.mgrid[:BLOCK, :BLOCK]
_MATRIX = np.cos((2 * _SAMPLE + 1) * _FREQUENCY * np.pi / (2 * BLOCK)) * np.where(
  _FREQUENCY, np.sqrt(2 / BLOCK), np.sqrt(1 / BLOCK)
)
# OpenBLAS uses one thread for products of up to 64x64x64. Waiting for others costs more than it
# gains here.
_MULTIPLICATIONS = 64**3


class Units(NamedTuple):
  """How a window of an image is cut into units.

  Attributes:
    rows: of units; the last may reach beyond the window.
    columns: the same.
    grid: height and width of a unit in pixels, multiples of 8.
  """

  rows: int
  columns: int
  grid: tuple[int, int]

  @property
  def blocks(self) -> tuple[int, int]:
    """Rows and columns of blocks of 8x8 pixels in a unit."""
    return self.grid[0] // BLOCK, self.grid[1] // BLOCK

  def cut(self, image: np.ndarray, scale: float) -> np.ndarray:
    """Returns an image's samples, float32 [C, units, pixels of a unit]; edges are repeated.

    Args:
      image: of any type, [h, w, C], or [h, w] gray.
      scale: that samples are multiplied by.
    """
    height, width = self.rows * self.grid[0], self.columns * self.grid[1]
    margins = ((0, height - image.shape[0]), (0, width - image.shape[1]), (0, 0))
    if margins != ((0, 0),) * 3:
      image = np.pad(image, margins[: image.ndim], "edge")
    (down, across), channels = self.blocks, image.shape[2] if image.ndim == 3 else 1
    split = image.reshape(self.rows, down, BLOCK, self.columns, across, BLOCK, channels)
    split = split.transpose(6, 0, 3, 1, 4, 2, 5)
    levels = np.empty(split.shape, np.float32)
    np.multiply(split, np.float32(scale), out=levels)
    return levels.reshape(channels, self.rows * self.columns, -1)

  def joined(self, levels: np.ndarray, scale: float) -> np.ndarray:
    """Returns the inverse of `cut` with another scale, float32 [h, w, C], in whole units."""
    (down, across), channels = self.blocks, len(levels)
    split = levels.reshape(channels, self.rows, self.columns, down, across, BLOCK, BLOCK)
    split = split.transpose(1, 3, 5, 2, 4, 6, 0)
    image = np.empty(split.shape, np.float32)
    np.multiply(split, np.float32(scale), out=image)
    return image.reshape(self.rows * self.grid[0], self.columns * self.grid[1], channels)

  def of_blocks(self, values: np.ndarray) -> np.ndarray:
    """Returns [units, blocks of a unit, ...] of a plane's [rows, columns, ...], a value a block."""
    rows, columns = values.shape[0] // self.rows, values.shape[1] // self.columns
    split = values.reshape(self.rows, rows, self.columns, columns, *values.shape[2:])
    return split.swapaxes(1, 2).reshape(self.rows * self.columns, -1, *values.shape[2:])

  def to_blocks(self, values: np.ndarray, factors: tuple[int, int]) -> np.ndarray:
    """Returns the inverse of `of_blocks`, for a plane with so many pixels to a sample."""
    rows, columns = (side // factor for side, factor in zip(self.blocks, factors, strict=True))
    split = values.reshape(self.rows, self.columns, rows, columns, *values.shape[2:])
    return split.swapaxes(1, 2).reshape(self.rows * rows, self.columns * columns, *values.shape[2:])

  def spread(self, values: np.ndarray, factors: tuple[int, int]) -> np.ndarray:
    """Returns a plane's values, one a block, for each block of 8x8 pixels: [units, blocks]."""
    (rows, columns), (down, across) = self.blocks, factors
    if down == across == 1:
      return values
    shape = (len(values), rows // down, down, columns // across, across)
    narrow = values.reshape(len(values), rows // down, 1, columns // across, 1)
    return np.broadcast_to(narrow, shape).reshape(len(values), -1)

  def completed(self, pixels: np.ndarray, factors: tuple[int, int], rows: int) -> np.ndarray:
    """Returns pixels as the encoder completes a plane: the last sample is repeated below.

    Args:
      pixels: float32 [units, pixels of a unit]; they stay as they are.
      factors: pixels to a sample, down and across.
      rows: of samples that hold pixels.
    """
    height, down = self.grid[0], factors[0]
    last = rows * down - (self.rows - 1) * height
    if down == 1 or last >= height:
      return pixels
    bottom = Units(1, self.columns, self.grid)
    image = bottom.joined(pixels[np.newaxis, -self.columns :], 1.0)
    below = np.arange(last, height)
    image[below] = image[last - down + below % down]
    return np.concatenate([pixels[: -self.columns], bottom.cut(image, 1.0)[0]])


class Maps(NamedTuple):
  """From the pixels of a unit to the coefficients of a plane, in steps, and back.

  Attributes:
    analysis: float32 [pixels, coefficients], of the means of a sample's pixels.
    synthesis: float32 [coefficients, pixels]: the change of a sample is added to all its pixels.
  """

  analysis: np.ndarray
  synthesis: np.ndarray

  def forward(self, pixels: np.ndarray) -> np.ndarray:
    """Returns DCT coefficients (ITU-T T.81, A.3.3).

    Args:
      pixels: float32 [units, pixels of a unit].
    Returns:
      float32 [units, blocks, 64], natural order: index = 8 * vertical frequency + horizontal one.
    """
    return _product(pixels, self.analysis).reshape(len(pixels), -1, BLOCK * BLOCK)

  def inverse(self, coefficients: np.ndarray) -> np.ndarray:
    """Returns float32 [units, pixels of a unit] of coefficients as `forward` returns them."""
    return _product(coefficients, self.synthesis).reshape(len(coefficients), -1)


def maps(grid: tuple[int, int], factors: tuple[int, int], steps: np.ndarray) -> Maps:
  """Returns a plane's maps.

  Args:
    grid: height and width of a unit in pixels.
    factors: pixels to a sample, down and across; they divide the unit's rows and columns of blocks.
    steps: [64], of quantisation.
  """
  # One block after the other, where a plane has a sample for each pixel.
  analysis = _analysis((BLOCK, BLOCK) if factors == (1, 1) else grid, factors)
  steps = np.tile(np.asarray(steps, float), analysis.shape[1] // (BLOCK * BLOCK))
  pixels_a_sample = factors[0] * factors[1]
  synthesis = pixels_a_sample * analysis.T * steps[:, np.newaxis]
  return Maps((analysis / steps).astype(np.float32), synthesis.astype(np.float32))


@functools.lru_cache(maxsize=8)
def _analysis(grid, factors):
  """Returns float [pixels of a unit, coefficients]."""
  vertical, horizontal = (
    np.kron(np.eye(side // (BLOCK * factor)), _MATRIX)
    @ np.kron(np.eye(side // factor), np.full((1, factor), 1 / factor))
    for side, factor in zip(grid, factors, strict=True)
  )
  vertical, horizontal = (
    matrix.reshape(-1, BLOCK, side // BLOCK, BLOCK)
    for matrix, side in zip((vertical, horizontal), grid, strict=True)
  )
  # Of both: block, frequency; block of pixels, pixel.
  made = np.einsum("ifay,jgbx->abyxijfg", vertical, horizontal)
  return made.reshape(grid[0] * grid[1], -1)


def from_rgb(levels: np.ndarray) -> np.ndarray:
  """Returns Y, Cb and Cr, float32 [3, ...], of levels of RGB, float32 [3, ...]."""
  red, green, blue = levels
  made = np.empty_like(levels)
  luma = np.multiply(red, _RED, out=made[0])
  # Chroma's places hold products until they are needed.
  luma += np.multiply(green, _GREEN, out=made[1])
  luma += np.multiply(blue, _BLUE, out=made[2])
  for plane, colour, scale in ((made[1], blue, _OF_BLUE), (made[2], red, _OF_RED)):
    np.subtract(colour, luma, out=plane)
    plane *= 1 / scale
  return made


def to_rgb(planes: np.ndarray) -> np.ndarray:
  """Returns the inverse of `from_rgb`, float32 [3, ...] in levels."""
  luma, cb, cr = planes
  made = np.empty_like(planes)
  blue, red = cb * _OF_BLUE, cr * _OF_RED
  np.add(luma, red, out=made[0])
  np.add(luma, blue, out=made[2])
  red *= _RED / _GREEN
  blue *= _BLUE / _GREEN
  np.subtract(luma, red, out=made[1])
  made[1] -= blue
  return made


def _product(values, matrix):
  """Returns [N, columns] of values of any shape, of which each row takes as many as a column."""
  depth, width = matrix.shape
  values = values.reshape(-1, depth)
  made = np.empty((len(values), width), np.float32)
  rows = max(_MULTIPLICATIONS // (depth * width), 1)
  whole = len(values) // rows * rows
  np.matmul(
    values[:whole].reshape(-1, rows, depth), matrix, out=made[:whole].reshape(-1, rows, width)
  )
  np.matmul(values[whole:], matrix, out=made[whole:])
  return made
