"""How far a mean over images may be from the mean over all images of their kind."""

from collections.abc import Sequence
import math
from typing import NamedTuple

import numpy as np

CONFIDENCE = 0.95
RESAMPLES = 10_000
_AT_A_TIME = 1_000_000  # Drawn values; bounds the memory.


class Interval(NamedTuple):
  """Where a mean lies; NaN at both ends if that is unknown.

  Attributes:
    low: its lower end.
    high: its upper end.
  """

  low: float
  high: float


UNKNOWN = Interval(math.nan, math.nan)


def of_mean(values: Sequence[float]) -> Interval:
  """Returns the 95 % percentile bootstrap interval of a mean (Efron 1979).

  The same values give the same interval. For fewer than about ten values it is too narrow: they
  cannot show what they do not hold.

  Args:
    values: one for each image.
  Returns:
    `UNKNOWN` for fewer than two values, which cannot show how they vary, and for values that are
    not finite.
  """
  sample = np.asarray(values, np.float64)
  if sample.size < 2 or not np.isfinite(sample).all():
    return UNKNOWN
  # A second of imports, which only real intervals are worth.
  from scipy import stats

  found = stats.bootstrap(
    (sample,),
    np.mean,
    n_resamples=RESAMPLES,
    batch=max(1, _AT_A_TIME // sample.size),
    confidence_level=CONFIDENCE,
    method="percentile",
    rng=np.random.default_rng(0),
  ).confidence_interval
  return Interval(float(found.low), float(found.high))
