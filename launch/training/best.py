"""How far a run has come by one figure of its evaluation."""

from collections.abc import Mapping
import dataclasses
import math
from typing import Any


@dataclasses.dataclass(frozen=True)
class Best:
  """The best evaluation so far.

  Attributes:
    metric: name of the figure, of which more is better; as in `measured`.
    value: its highest value; None where there was no evaluation yet.
    step: of that.
    since: evaluations since then.
  """

  metric: str
  value: float | None = None
  step: int = 0
  since: int = 0

  def after(self, step: int, scalars: Mapping[str, float]) -> "Best":
    """Returns what is the best after one more evaluation; the same if it had no figures at all.

    Raises:
      ValueError: if none of its figures is the metric.
    """
    if not scalars:
      return self
    value = measured(self.metric, scalars)
    if not math.isnan(value) and (self.value is None or value > self.value):
      return Best(self.metric, value, step)
    return dataclasses.replace(self, since=self.since + 1)

  def is_over(self, most: int) -> bool:
    """Returns whether as many evaluations as `most`, if that is not 0, were not the best."""
    return 0 < most <= self.since


def restored(metric: str, saved: Mapping[str, Any] | None) -> Best:
  """Returns what `dataclasses.asdict` saved of a `Best`; a new one if it was of another metric."""
  if not saved or saved["metric"] != metric:
    return Best(metric)
  return Best(**saved)


def measured(metric: str, scalars: Mapping[str, float]) -> float:
  """Returns a figure by its full name, "eval/psnr_db/q10", or the mean over all qualities.

  Args:
    metric: full name, or the name without the quality: "eval/psnr_db".
    scalars: figures by their full names.
  Raises:
    ValueError: if there is no such figure; names those that there are.
  """
  if metric in scalars:
    return float(scalars[metric])
  values = [value for name, value in scalars.items() if name.rpartition("/q")[0] == metric]
  if not values:
    raise ValueError(f"best_metric must be one of {', '.join(sorted(scalars))}, got {metric!r}.")
  return math.fsum(values) / len(values)
