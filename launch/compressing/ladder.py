"""The quantisation tables that a search may choose from: families of tables from fine to coarse.

A family is a shape, and a rung of its ladder a scale of that shape: the first step of luma is
2^(rung/128), 1 to 255. The IJG's qualities are coarser: from 50 to 51 steps change by 2 %, here by
0.54 %.
"""

import functools
import math

import numpy as np

from deblock.launch.compressing import families
from deblock.records.jpeg import tables as jpeg_tables

RUNGS_PER_OCTAVE = 128
LAST_RUNG = math.ceil(RUNGS_PER_OCTAVE * math.log2(255))


def tables(shape: np.ndarray, rung: int) -> np.ndarray:
  """Returns the quantisation steps on a rung.

  Args:
    shape: [2, 8, 8], the steps of luma and chroma in those of the first step of luma.
    rung: 0, the finest, to `LAST_RUNG`.
  Returns:
    int32 [2, 8, 8] in [1, 255]: luma, then chroma; natural order.
  """
  return np.clip(np.rint(shape * 2.0 ** (rung / RUNGS_PER_OCTAVE)), 1, 255).astype(np.int32)


@functools.cache
def shape(family: str, sampling: str) -> np.ndarray:
  """Returns the steps of a family in those of its first step of luma, [2, 8, 8]."""
  sloped = families.FAMILIES[family]
  if sloped is None:
    # Quality 50 is the standard's tables themselves.
    standard = jpeg_tables.quantization_tables(50)
    return standard / standard[0, 0, 0]
  return sloped_shape(sloped.slope, sloped.full_chroma if sampling == "4:4:4" else sloped.chroma)


def sloped_shape(slope: float, chroma: float) -> np.ndarray:
  """Returns the steps of a sloped family in those of the first step of luma, [2, 8, 8]."""
  places = np.arange(8)
  luma = 1.0 + slope * (places[:, np.newaxis] + places) / 14.0
  return np.stack((luma, chroma * luma))
