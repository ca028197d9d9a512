"""Quantisation tables of encoders that do not use those of the standard's annex.

All tables have a published source. Photoshop's are imported from Pillow (PIL/JpegPresets.py, "JPEG
quality settings equivalent to the Photoshop settings"). Cameras' tables have no source to cite.
"""

import functools
from typing import SupportsIndex

import numpy as np
from PIL import JpegPresets

from deblock.records.jpeg import tables as jpeg_tables

# Table 3 of mozjpeg's jcparam.c (github.com/mozilla/mozjpeg), the default of its cjpeg, for luma
# and chroma alike. By Nicolas Robidoux, for ImageMagick.
_ROBIDOUX = (
  (16, 16, 16, 18, 25, 37, 56, 85),
  (16, 17, 20, 27, 34, 40, 53, 75),
  (16, 20, 24, 31, 43, 62, 91, 135),
  (18, 27, 31, 40, 53, 74, 106, 156),
  (25, 34, 43, 53, 69, 94, 131, 189),
  (37, 40, 62, 74, 94, 124, 169, 238),
  (56, 53, 91, 106, 131, 169, 226, 311),
  (85, 75, 135, 156, 189, 238, 311, 418),
)
# Tables that the IJG rule scales by a quality. Table 1 of the same file is 16 everywhere.
_SCALED = {
  "mozjpeg": np.array((_ROBIDOUX, _ROBIDOUX), np.int32),
  "mozjpeg_flat": np.full((2, 8, 8), 16, np.int32),
}
# Pillow's names: of "save for web", then of "save as".
_PRESETS = (
  *("web_low", "web_medium", "web_high", "web_very_high", "web_maximum"),
  *("low", "medium", "high", "maximum"),
)

ENCODERS = (*_SCALED, *(f"photoshop_{name}" for name in _PRESETS))


def quantization_tables(encoder: str, quality: SupportsIndex) -> np.ndarray:
  """Returns the luma and chroma quantisation steps of an encoder.

  Args:
    encoder: one of `ENCODERS`.
    quality: integer in [1, 100]; without effect on Photoshop's levels, which are fixed tables.
  Returns:
    int32 [2, 8, 8] in [1, 255]: luma, then chroma; natural order, row = vertical frequency.
  Raises:
    ValueError: if there is no such encoder, or the quality is out of range.
  """
  quality = jpeg_tables.check_quality(quality)
  if encoder not in ENCODERS:
    raise ValueError(f"encoder must be one of {', '.join(ENCODERS)}, got {encoder!r}.")
  if encoder in _SCALED:
    return jpeg_tables.scaled(_SCALED[encoder], quality)
  preset = JpegPresets.presets[encoder.removeprefix("photoshop_")]
  return np.array(preset["quantization"], np.int32).reshape(2, 8, 8)


def nearest_quality(tables: np.ndarray) -> int:
  """Returns the IJG quality with the least mean of |log(step) - log(IJG step)|.

  If several qualities are equally near, it returns the highest, for which networks change least.

  Args:
    tables: [2, 8, 8], steps of luma and chroma in [1, 255]; or [1, 8, 8], of luma only.
  """
  distances = np.abs(_logarithms()[:, : len(tables)] - np.log(tables)).mean(axis=(1, 2, 3))
  return int(100 - np.argmin(distances[::-1]))


@functools.cache
def all_quantization_tables() -> np.ndarray:
  """Returns the steps of every encoder and quality, uint8 [encoders, 101, 2, 8, 8].

  The first axis has the order of `ENCODERS`; the second is the quality itself, and 0 has zeros.
  The type is small because the array becomes a constant of the graph. Callers must not change it.
  """
  tables = np.zeros((len(ENCODERS), 101, 2, 8, 8), np.uint8)
  for row, encoder in zip(tables, ENCODERS, strict=True):
    for quality in range(1, 101):
      row[quality] = quantization_tables(encoder, quality)
  return tables


@functools.cache
def all_nearest_qualities() -> np.ndarray:
  """Returns the nearest IJG quality of each of `all_quantization_tables`, int32 [encoders, 101]."""
  nearest = np.zeros((len(ENCODERS), 101), np.int32)
  for row, tables in zip(nearest, all_quantization_tables(), strict=True):
    row[1:] = [nearest_quality(steps) for steps in tables[1:]]
  return nearest


@functools.cache
def _logarithms():
  return np.log(jpeg_tables.all_quantization_tables()[1:])
