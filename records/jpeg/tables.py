"""Quantisation tables of baseline JPEG and the IJG rule that scales them by a quality factor.

The tables are K.1 and K.2 of ITU-T T.81 (1992), Annex K. The scaling is not in the standard: it is
that of the Independent JPEG Group's library, which most encoders use.
"""

import operator
from typing import SupportsIndex

import numpy as np

_LUMA = (
  (16, 11, 10, 16, 24, 40, 51, 61),
  (12, 12, 14, 19, 26, 58, 60, 55),
  (14, 13, 16, 24, 40, 57, 69, 56),
  (14, 17, 22, 29, 51, 87, 80, 62),
  (18, 22, 37, 56, 68, 109, 103, 77),
  (24, 35, 55, 64, 81, 104, 113, 92),
  (49, 64, 78, 87, 103, 121, 120, 101),
  (72, 92, 95, 98, 112, 100, 103, 99),
)
_CHROMA = (
  (17, 18, 24, 47, 99, 99, 99, 99),
  (18, 21, 26, 66, 99, 99, 99, 99),
  (24, 26, 56, 99, 99, 99, 99, 99),
  (47, 66, 99, 99, 99, 99, 99, 99),
  (99, 99, 99, 99, 99, 99, 99, 99),
  (99, 99, 99, 99, 99, 99, 99, 99),
  (99, 99, 99, 99, 99, 99, 99, 99),
  (99, 99, 99, 99, 99, 99, 99, 99),
)


def check_quality(quality: SupportsIndex, name: str = "quality") -> int:
  """Returns the quality factor as an int, after checking it.

  Args:
    quality: the value.
    name: used in the error message, usually a flag's name.
  Raises:
    ValueError: if it is not an integer in [1, 100]. True and False are not integers here.
  """
  try:
    value = operator.index(quality)
  except TypeError:
    value = 0
  if isinstance(quality, (bool, np.bool_)) or not 1 <= value <= 100:
    raise ValueError(f"{name} must be an integer in [1, 100], got {quality!r}.")
  return value


def quantization_tables(quality: SupportsIndex) -> np.ndarray:
  """Returns the luma and chroma quantisation steps of an IJG quality factor.

  Steps are floor((table * scale + 50) / 100), clamped to [1, 255] as baseline JPEG requires, with
  scale = floor(5000 / quality) below 50 and 200 - 2 * quality from there on.

  Args:
    quality: integer in [1, 100].
  Returns:
    int32 [2, 8, 8]: luma, then chroma; natural order, row = vertical frequency.
  Raises:
    ValueError: if the quality is out of range.
  """
  return scaled(np.array((_LUMA, _CHROMA), np.int32), quality)


def scaled(base: np.ndarray, quality: SupportsIndex) -> np.ndarray:
  """Returns an encoder's own tables, scaled to a quality by the IJG rule.

  Args:
    base: integers of any shape, at least 1; the steps of quality 50.
    quality: integer in [1, 100].
  Returns:
    int32 in [1, 255], same shape.
  Raises:
    ValueError: if the quality is out of range.
  """
  quality = check_quality(quality)
  scale = 5000 // quality if quality < 50 else 200 - 2 * quality
  return np.clip((base * scale + 50) // 100, 1, 255).astype(np.int32)


def all_quantization_tables() -> np.ndarray:
  """Returns the steps of every quality, for `tf.gather` inside a graph.

  Returns:
    float32 [101, 2, 8, 8], indexed by the quality itself; row 0 is zeros.
  """
  tables = np.zeros((101, 2, 8, 8), np.float32)
  for quality in range(1, 101):
    tables[quality] = quantization_tables(quality)
  return tables
