"""How much of a network's correction is applied to JPEGs whose quantisation steps are small.

The smaller the steps, the less there is to correct, and what a network does amiss stays: of files
of quality 95 in 4:4:4 the whole correction makes some worse than they were. On validation images
the best share of it falls with the steps, of each plane with its own. What `cells` holds to the
quantisation cells is weighed there already, coefficient by coefficient, and most of it is
right to the end. What lower resolution took from chroma does not depend on the steps: there all of
the correction is right.
"""

import math
from typing import NamedTuple

import numpy as np

from deblock.records.jpeg import header as jpeg_header
from deblock.records.jpeg import sampling as jpeg_sampling

_LUMA = np.array(jpeg_sampling.LUMA, np.float32)


class _Fade(NamedTuple):
  """All of a correction from a mean step on, and the least share from another one down."""

  least: float
  fine: float
  coarse: float


# Luma's and chroma's, by the geometric mean of their steps: in the IJG's tables 2.7 is luma's at
# quality 97, 4.5 at 95, 9 at 90 and 11 at 88, 8 is chroma's at 95, 23.6 at 85 and 39.5 at 75. The
# best shares of luma are, held to the cells, 0.85 to 1 at quality 95 and 0.7 to 0.85 at 97 on 6
# validation images (at 0.7 none of them loses), and when freed 0.65 to 0.85 at 90 and 0.2 to 0.35
# at 97 on 8; of chroma in 4:4:4, held, 0.75 to 1 at 95, freed 0.2 to 0.6 at 90.
_HELD = (_Fade(0.7, 2.7, 5.0), _Fade(0.75, 8.0, 23.6))
_FREED = (_Fade(0.0, 2.0, 11.0), _Fade(0.0, 8.0, 39.5))


def shares(
  tables: np.ndarray, header: jpeg_header.JpegHeader | None, held: bool
) -> tuple[float, float]:
  """Returns the share of the correction of luma, and of chroma, that is to be applied.

  Args:
    tables: [2, 8, 8], the quantisation steps.
    header: of the JPEG; None where its sampling is not known, which counts as 4:4:4.
    held: whether the result is kept inside the quantisation cells.
  """
  luma, chroma = (
    _share(float(np.exp(np.mean(np.log(steps)))), fade)
    for steps, fade in zip(tables, _HELD if held else _FREED, strict=True)
  )
  sampled = header is not None and header.subsampling not in ("", "444")
  return luma, 1.0 if sampled else chroma


def faded(restored: np.ndarray, compressed: np.ndarray, luma: float, chroma: float) -> np.ndarray:
  """Returns what is between an image and its restoration, luma and chroma each at its share.

  What lies in the quantisation cells stays there, if the image itself does: they are convex, plane
  by plane.

  Args:
    restored: float32 [h, w, 3], or [h, w] gray.
    compressed: the same, before.
    luma: share of the correction, 0 to 1.
    chroma: the same.
  Returns:
    float32 of the same shape.
  """
  if luma == chroma == 1.0:
    return restored
  change = restored - compressed
  if change.ndim == 2:
    return compressed + np.float32(luma) * change
  # The same in all colours, a change is one of luma alone.
  of_luma = (change @ _LUMA)[..., np.newaxis]
  return compressed + np.float32(chroma) * change + np.float32(luma - chroma) * of_luma


def _share(step, fade):
  place = math.log(step / fade.fine) / math.log(fade.coarse / fade.fine)
  return fade.least + (1.0 - fade.least) * min(max(place, 0.0), 1.0)
