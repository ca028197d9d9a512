"""The learning rate over a run."""

from collections.abc import Sequence
import math

CONSTANT, COSINE, STEP = NAMES = ("constant", "cosine", "step")


def learning_rate(
  highest: float,
  schedule: str,
  step: int,
  warmup_steps: int,
  done: float,
  milestones: Sequence[float] = (),
  factor: float = 1.0,
) -> float:
  """Returns the learning rate of the step that follows.

  Args:
    highest: rate after the warm-up.
    schedule: "constant"; "cosine" for half a cosine from `highest` to nought; "step" for a fall at
      each milestone.
    step: steps taken.
    warmup_steps: steps over which the rate rises linearly.
    done: share of the run that is over, 0 to 1.
    milestones: below 1 shares of the run, else numbers of steps, after which the rate is lower.
    factor: that it is multiplied by at each of them.
  """
  rate = highest
  if schedule == COSINE:
    rate *= 0.5 + 0.5 * math.cos(math.pi * min(max(done, 0.0), 1.0))
  elif schedule == STEP:
    rate *= factor ** sum((done if place < 1 else step) >= place for place in milestones)
  return rate * min(1.0, (step + 1) / (warmup_steps + 1))


def parse_milestones(text: str) -> tuple[float, ...]:
  """Returns milestones from their list: shares of the run below 1, whole steps from 1 on.

  Raises:
    ValueError: if an item is neither.
  """
  return tuple(_milestone(item.strip()) for item in text.split(","))


def _milestone(item):
  try:
    place = float(item)
  except ValueError:
    place = math.nan
  if not (0 < place < 1 or (place >= 1 and place.is_integer())):
    raise ValueError(
      f"milestones must be shares of the run in (0, 1) or whole steps, got {item!r}."
    )
  return place
