"""How far a mean over images may be from the mean over all images of their kind."""

from collections.abc import Sequence
import math
from typing import NamedTuple

import numpy as np

CONFIDENCE = 0.95
RESAMPLES = 10_000
_AT_A_TIME = 1_000_000  # Drawn indices; bounds the memory.


class Interval(NamedTuple):
  """Where a mean lies; not a number at both ends where nothing can be said.

  Attributes:
    low: its lower end.
    high: its upper end.
  """

  low: float
  high: float


UNKNOWN = Interval(math.nan, math.nan)


def of_mean(
  values: Sequence[float],
  confidence: float = CONFIDENCE,
  resamples: int = RESAMPLES,
  seed: int = 0,
) -> Interval:
  """Returns the percentile bootstrap interval of a mean (Efron 1979).

  As many values as there are, drawn with replacement, have a mean; the interval leaves out the
  lowest and the highest of many such means. It is the same whenever it is asked for. Of fewer than
  about ten values it is too narrow: they cannot show what they do not hold.

  Args:
    values: one for each image.
    confidence: the share of means that it holds, in (0, 1).
    resamples: the number of means.
    seed: of the draws.
  Returns:
    `UNKNOWN` for fewer than two values, of which none says how they vary, and for values that are
    not finite.
  Raises:
    ValueError: if confidence or resamples are out of range.
  """
  if not 0.0 < confidence < 1.0:
    raise ValueError(f"confidence must be in (0, 1), got {confidence}.")
  if resamples < 1:
    raise ValueError(f"resamples must be at least 1, got {resamples}.")
  sample = np.asarray(values, np.float64)
  if sample.size < 2 or not np.isfinite(sample).all():
    return UNKNOWN
  # Of equal values the mean is that value, without the rounding of a sum.
  centre = sample[0]
  rng = np.random.default_rng(seed)
  step = max(1, _AT_A_TIME // sample.size)
  means = [
    (sample - centre)[rng.integers(sample.size, size=(count, sample.size))].mean(axis=1)
    for count in (min(step, resamples - start) for start in range(0, resamples, step))
  ]
  tail = (1.0 - confidence) / 2.0
  low, high = centre + np.quantile(np.concatenate(means), (tail, 1.0 - tail))
  return Interval(float(low), float(high))
