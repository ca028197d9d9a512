"""Finds in pixels that were once a JPEG at which quality it was made, and where its blocks begin.

A decoded JPEG's block has DCT coefficients that are multiples of the quantisation steps, but for
the rounding of its pixels. So each quality and each of the 64 places of the grid is a hypothesis
about how the luma's coefficients are distributed, and the likeliest is taken if it is far likelier
than no JPEG at all: the maximum likelihood of Fan and de Queiroz, "Identification of Bitmap
Compression History", IEEE Transactions on Image Processing 12 (2003), section III, with all
frequencies taken together, as all steps follow from one quality.

What it cannot find: pixels that were resized, turned by other than right angles or filtered since,
steps of 1 and 2 (quality 97 and above), tables that are not the IJG's, and which was the first of
two qualities.
"""

from typing import NamedTuple

import numpy as np

from deblock.records.jpeg import sampling
from deblock.records.jpeg import tables as jpeg_tables

# Blocks that are looked at: the most varied of those that are sampled, at every place of the grid.
_SAMPLED, _KEPT, _SURE_KEPT = 1500, 48, 300
# Of larger images, whose copies would take much memory, the middle tells enough.
_LONGEST = 2048
# Frequencies above these are nearly always zero, which says nothing of the step.
_FREQUENCIES = 6
# Of a coefficient, after pixels were rounded in RGB: 0.29 of a level in each colour.
_NOISE = 0.3
# Coefficients that agree with no multiple, for clipping and what was painted over the picture.
_OUTLIERS = 0.05
# Below it a coefficient may be a rounded zero.
_SMALLEST = 2.5
# In natural logarithms: a chance of e^-40 for one wrong hypothesis, of which there are 6,000.
_ENOUGH = 40.0
# A true hypothesis gains on nearly every coefficient; a chance resemblance gains on a few.
_ENOUGH_EACH = 0.15
_FEWEST = 40


class Traces(NamedTuple):
  """What was found.

  Attributes:
    quality: IJG quality factor of the last JPEG.
    top: the rows above the first block that is whole, 0 to 7.
    left: the columns before it.
  """

  quality: int
  top: int
  left: int


def find(pixels: np.ndarray) -> Traces | None:
  """Returns the traces of JPEG in decoded pixels; None where there are none to be sure of.

  Args:
    pixels: uint8 [H, W, 3] RGB or [H, W] gray.
  """
  if min(pixels.shape[:2]) < 16:
    return None
  pixels = _middle(pixels)
  luma = _luma(pixels)
  corners = _varied_corners(luma, _clipped(pixels))
  places = [(top, left) for top in range(8) for left in range(8)]
  gains = [_likeliest(_coefficients(luma, corners[:_KEPT], *place))[1] for place in places]
  top, left = places[int(np.argmax(gains))]
  coefficients = _coefficients(luma, corners[:_SURE_KEPT], top, left)
  quality, gain = _likeliest(coefficients)
  count = _large(coefficients).sum()
  if count < _FEWEST or gain < max(_ENOUGH, _ENOUGH_EACH * count):
    return None
  return Traces(quality, top, left)


def _middle(pixels):
  """Returns the middle of a large image, which begins at a block if the image does."""
  top, left = (max(0, side - _LONGEST) // 16 * 8 for side in pixels.shape[:2])
  return pixels[top : top + _LONGEST, left : left + _LONGEST]


def _luma(pixels):
  if pixels.ndim == 2:
    return pixels.astype(np.float32)
  return pixels.astype(np.float32) @ np.array(sampling.LUMA, np.float32)


def _clipped(pixels):
  """Returns where a colour is at an end of its range, bool [H, W]."""
  ends = (pixels == 0) | (pixels == 255)
  return ends if ends.ndim == 2 else ends.any(axis=2)


def _varied_corners(luma, clipped):
  """Returns corners [n, 2] of 15x15 windows, each holding a block of any grid; varied ones first.

  Windows with clipped pixels are left out, as clipping moves the coefficients.
  """
  rows, columns = ((side - 15) // 8 + 1 for side in luma.shape)
  places = np.arange(rows * columns)
  if len(places) > _SAMPLED:
    places = np.unique(np.linspace(0, len(places) - 1, _SAMPLED).astype(np.int64))
  corners = np.stack([places // columns, places % columns], axis=1) * 8
  corners = corners[~_windows(clipped, corners, 15).any(axis=(1, 2))]
  # Flat blocks have nothing but zeros.
  spread = np.abs(np.diff(_windows(luma, corners, 15), axis=2)).mean(axis=(1, 2))
  return corners[np.argsort(-spread, kind="stable")]


def _windows(luma, corners, side):
  views = np.lib.stride_tricks.sliding_window_view(luma, (side, side))
  return views[corners[:, 0], corners[:, 1]]


def _coefficients(luma, corners, top, left):
  """Returns the DCT of the block that each window has at a place of the grid, [n, 6, 6]."""
  blocks = _windows(luma, corners + np.array((top, left)), 8)
  # A drawing's blocks are often all the same; each may bear witness once.
  levels = np.rint(blocks - blocks[:, :1, :1]).astype(np.int16).reshape(len(blocks), 64)
  _, first = np.unique(levels, axis=0, return_index=True)
  return np.einsum("fr,nrc,gc->nfg", _BASIS, blocks[first], _BASIS, optimize=True)


def _large(coefficients):
  large = np.abs(coefficients) > _SMALLEST
  large[:, 0, 0] = False
  return large


def _likeliest(coefficients):
  """Returns (quality, gain in log likelihood over no JPEG) of the likeliest quality."""
  large = _large(coefficients)
  gains = np.zeros(101)
  for row in range(_FREQUENCIES):
    for column in range(_FREQUENCIES):
      values = coefficients[:, row, column][large[:, row, column]]
      if len(values):
        steps, qualities = _STEPS[row, column]
        gains += _gains(values, steps)[qualities]
  quality = int(100 - np.argmax(gains[:0:-1]))
  return quality, gains[quality]


def _gains(values, steps):
  """Returns for each step the gain of all values, [steps]."""
  beyond = values[:, None] - steps * np.rint(values[:, None] / steps)
  normal = np.exp(-0.5 * (beyond / _NOISE) ** 2) / (_NOISE * np.sqrt(2.0 * np.pi))
  # Without a JPEG the remainder is as likely everywhere in the step.
  return np.log((1.0 - _OUTLIERS) * steps * normal + _OUTLIERS).sum(axis=0)


def _basis():
  frequencies, places = np.mgrid[:_FREQUENCIES, :8]
  basis = 0.5 * np.cos((2 * places + 1) * frequencies * np.pi / 16)
  basis[0] /= np.sqrt(2.0)
  return basis.astype(np.float32)


def _steps():
  """Returns for each frequency its steps, and of each quality which of them it has."""
  tables = jpeg_tables.all_quantization_tables()[:, 0]
  tables[0] = tables[1]
  return {
    (row, column): np.unique(tables[:, row, column], return_inverse=True)
    for row in range(_FREQUENCIES)
    for column in range(_FREQUENCIES)
  }


_BASIS = _basis()
_STEPS = _steps()
