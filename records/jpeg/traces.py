"""Estimates the quality and the grid offset of a JPEG from its decoded pixels.

The DCT coefficients of a decoded JPEG are multiples of its quantisation steps, up to the rounding
of its pixels. Each quality and each of the 64 offsets of the grid is a hypothesis about the
distribution of luma's coefficients. The likeliest is taken if its log likelihood exceeds that of
"no JPEG" by a margin. Source: Fan and de Queiroz, "Identification of Bitmap Compression History",
IEEE Transactions on Image Processing 12 (2003), section III; here all frequencies are taken
together, since one quality sets all steps.

It does not detect JPEGs that were resized, filtered or rotated by other than right angles, steps of
1 and 2 (quality 97 and above), or tables other than the IJG's. Of two compressions it finds the
last.
"""

from typing import NamedTuple

import numpy as np

from deblock.records.jpeg import sampling
from deblock.records.jpeg import tables as jpeg_tables

# Sampled blocks, and how many of the most varied are used: for every offset, and for the best one.
_SAMPLED, _KEPT, _SURE_KEPT = 1500, 48, 300
# Of larger images the middle is used, to save memory.
_LONGEST = 2048
# Higher frequencies are nearly always zero, which says nothing about the step.
_FREQUENCIES = 6
# Standard deviation of a coefficient, from the rounding of RGB (0.29 of a level in each colour).
_NOISE = 0.3
# Share of coefficients that are no multiples, because of clipping or painted pixels.
_OUTLIERS = 0.05
# A smaller coefficient can be a rounded zero.
_SMALLEST = 2.5
# Margin in natural logarithms: a wrong hypothesis passes with probability e^-40; there are 6,400.
_ENOUGH = 40.0
# A true hypothesis gains on nearly every coefficient, a coincidence on a few.
_ENOUGH_EACH = 0.15
_FEWEST = 40


class Traces(NamedTuple):
  """Traces of a JPEG.

  Attributes:
    quality: IJG quality factor of the last JPEG.
    top: rows above the first whole block, 0 to 7.
    left: columns before it, 0 to 7.
  """

  quality: int
  top: int
  left: int


def find(pixels: np.ndarray) -> Traces | None:
  """Returns the traces of a JPEG in decoded pixels; None if there are none of any certainty.

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
  """Returns the middle of a large image, cut at multiples of 8 pixels."""
  top, left = (max(0, side - _LONGEST) // 16 * 8 for side in pixels.shape[:2])
  return pixels[top : top + _LONGEST, left : left + _LONGEST]


def _luma(pixels):
  if pixels.ndim == 2:
    return pixels.astype(np.float32)
  return pixels.astype(np.float32) @ np.array(sampling.LUMA, np.float32)


def _clipped(pixels):
  """Returns which pixels have a colour at an end of its range, bool [H, W]."""
  ends = (pixels == 0) | (pixels == 255)
  return ends if ends.ndim == 2 else ends.any(axis=2)


def _varied_corners(luma, clipped):
  """Returns corners [n, 2] of 15x15 windows, which hold a block of any grid; most varied first.

  Windows with clipped pixels are left out, as clipping changes the coefficients.
  """
  rows, columns = ((side - 15) // 8 + 1 for side in luma.shape)
  places = np.arange(rows * columns)
  if len(places) > _SAMPLED:
    places = np.unique(np.linspace(0, len(places) - 1, _SAMPLED).astype(np.int64))
  corners = np.stack([places // columns, places % columns], axis=1) * 8
  corners = corners[~_windows(clipped, corners, 15).any(axis=(1, 2))]
  # Flat blocks have only zeros.
  spread = np.abs(np.diff(_windows(luma, corners, 15), axis=2)).mean(axis=(1, 2))
  return corners[np.argsort(-spread, kind="stable")]


def _windows(luma, corners, side):
  views = np.lib.stride_tricks.sliding_window_view(luma, (side, side))
  return views[corners[:, 0], corners[:, 1]]


def _coefficients(luma, corners, top, left):
  """Returns the DCT of each window's block at an offset of the grid, [n, 6, 6]."""
  blocks = _windows(luma, corners + np.array((top, left)), 8)
  # Blocks of drawings are often equal; each counts once.
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
  # Without a JPEG the remainder is uniform over the step.
  return np.log((1.0 - _OUTLIERS) * steps * normal + _OUTLIERS).sum(axis=0)


def _basis():
  frequencies, places = np.mgrid[:_FREQUENCIES, :8]
  basis = 0.5 * np.cos((2 * places + 1) * frequencies * np.pi / 16)
  basis[0] /= np.sqrt(2.0)
  return basis.astype(np.float32)


def _steps():
  """Returns for each frequency its different steps, and each quality's index into them."""
  tables = jpeg_tables.all_quantization_tables()[:, 0]
  tables[0] = tables[1]
  return {
    (row, column): np.unique(tables[:, row, column], return_inverse=True)
    for row in range(_FREQUENCIES)
    for column in range(_FREQUENCIES)
  }


_BASIS = _basis()
_STEPS = _steps()
