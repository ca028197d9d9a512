"""Estimates the quality and the grid offset of a JPEG from its decoded pixels.

The DCT coefficients of a decoded JPEG are multiples of its quantisation steps, up to the rounding
of its pixels. A hypothesis about the distribution of the coefficients of luma is a quality, one of
the 64 offsets of the grid, and tables as they are or transposed (of an image that was turned by 90
degrees since). The likeliest is taken if its log likelihood exceeds that of "no JPEG" by a margin.
Source: Fan and de Queiroz, "Identification of Bitmap Compression History",
IEEE Transactions on Image Processing 12 (2003), section III; here all frequencies are taken
together, since one quality sets all steps.

It does not detect JPEGs that were resized, filtered or turned by other than right angles, steps of
1 and 2 (quality 97 and above), or tables other than the IJG's. Of two compressions it finds the
last.
"""

from typing import NamedTuple

import numpy as np

from deblock.records.jpeg import sampling as jpeg_sampling
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
# Margin in natural logarithms: a wrong hypothesis passes with probability e^-40; there are 12,800.
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
    turned: whether the image was turned by 90 degrees since, so that rows were columns.
  """

  quality: int
  top: int
  left: int
  turned: bool = False


def find(pixels: np.ndarray) -> Traces | None:
  """Returns the traces of a JPEG in decoded pixels; None if there are none of any certainty.

  Args:
    pixels: uint8 [H, W, 3] RGB or [H, W] gray.
  """
  if min(pixels.shape[:2]) < 16:
    return None
  pixels = _middle(pixels)
  luma = to_luma(pixels)
  corners = _varied_corners(luma, is_clipped(pixels))
  places = [(top, left) for top in range(8) for left in range(8)]
  every = _likelihoods_of([_coefficients(luma, corners[:_KEPT], *place) for place in places])
  top, left = places[int(np.argmax(every.max(axis=(1, 2))))]
  coefficients = _coefficients(luma, corners[:_SURE_KEPT], top, left)
  found = likeliest(likelihoods(coefficients))
  if not is_certain(found.gain, is_large(coefficients).sum()):
    return None
  return Traces(found.quality, top, left, found.turned)


class Likeliest(NamedTuple):
  """The likeliest hypothesis of one place of the grid, and its gain over no JPEG."""

  quality: int
  turned: bool
  gain: float


def likelihoods(coefficients: np.ndarray) -> np.ndarray:
  """Returns how much likelier each quality is than no JPEG.

  Args:
    coefficients: float32 [n, 6, 6], the lowest frequencies of blocks.
  Returns:
    [2, 101], natural logarithms, by whether the image was turned and by quality; 0 for quality 0.
  """
  return _likelihoods_of([coefficients])[0]


def _likelihoods_of(every):
  """Returns `likelihoods` of several sets of blocks, [sets, 2, 101]; one call of NumPy for all."""
  coefficients = np.concatenate(every)
  ends = np.cumsum([0, *(len(one) for one in every)])
  large = is_large(coefficients)
  gains = np.zeros((len(every), 2, 101))
  for row in range(_FREQUENCIES):
    for column in range(_FREQUENCIES):
      chosen = large[:, row, column]
      values = coefficients[chosen, row, column]
      if not len(values):
        continue
      bounds = np.concatenate([[0], np.cumsum(chosen)])[ends]
      for turned, place in enumerate(((row, column), (column, row))):
        steps, qualities = _STEPS[place]
        sums = np.zeros((len(values) + 1, len(steps)))
        np.cumsum(value_gains(values[:, None], steps), axis=0, out=sums[1:])
        gains[:, turned] += (sums[bounds[1:]] - sums[bounds[:-1]])[:, qualities]
  gains[..., 0] = 0.0
  return gains


def likeliest(gains: np.ndarray) -> Likeliest:
  """Returns the likeliest of the hypotheses that `likelihoods` returns; of equals, the finest."""
  turned, place = np.unravel_index(np.argmax(gains[:, :0:-1]), (2, 100))
  quality = 100 - int(place)
  return Likeliest(quality, bool(turned), float(gains[turned, quality]))


def is_certain(gain: float, count: int) -> bool:
  """Returns whether a hypothesis is beyond chance, by its gain and the number of coefficients."""
  return count >= _FEWEST and gain >= max(_ENOUGH, _ENOUGH_EACH * count)


def is_large(coefficients: np.ndarray) -> np.ndarray:
  """Returns which coefficients say something of their step, bool [n, 6, 6]."""
  large = np.abs(coefficients) > _SMALLEST
  large[..., 0, 0] = False
  return large


def value_gains(values: np.ndarray, steps: np.ndarray) -> np.ndarray:
  """Returns how much likelier values are as multiples of steps than as any others, in logarithms.

  Args:
    values: of coefficients, to be broadcast with `steps`.
    steps: quantisation steps.
  """
  beyond = values - steps * np.rint(values / steps)
  normal = np.exp(-0.5 * (beyond / _NOISE) ** 2) / (_NOISE * np.sqrt(2.0 * np.pi))
  # Without a JPEG the remainder is as likely everywhere in the step.
  return np.log((1.0 - _OUTLIERS) * steps * normal + _OUTLIERS)


def low_frequencies(blocks: np.ndarray) -> np.ndarray:
  """Returns the lowest frequencies of blocks [..., 8, 8], float32 [..., 6, 6]."""
  return np.einsum("fr,...rc,gc->...fg", _BASIS, blocks, _BASIS, optimize=True)


def to_luma(pixels: np.ndarray) -> np.ndarray:
  """Returns the luma of uint8 pixels, [H, W, 3] RGB or [H, W] gray, as float32 [H, W]."""
  if pixels.ndim == 2:
    return pixels.astype(np.float32)
  return pixels.astype(np.float32) @ np.array(jpeg_sampling.LUMA, np.float32)


def is_clipped(pixels: np.ndarray) -> np.ndarray:
  """Returns where a colour is at an end of its range, bool [H, W]."""
  ends = (pixels == 0) | (pixels == 255)
  return ends if ends.ndim == 2 else ends.any(axis=2)


def _middle(pixels):
  """Returns the middle of a large image, cut at multiples of 8 pixels."""
  top, left = (max(0, side - _LONGEST) // 16 * 8 for side in pixels.shape[:2])
  return pixels[top : top + _LONGEST, left : left + _LONGEST]


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
  return low_frequencies(blocks[first])


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
