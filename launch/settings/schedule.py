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
  """Returns the learning rate of the next step.

      constant  highest
      cosine    highest * (1 + cos(pi * done)) / 2
      step      highest * factor ** (number of milestones passed)

  each times min(1, (step + 1) / (warmup_steps + 1)).

  Args:
    highest: rate after the warm-up.
    schedule: one of NAMES.
    step: steps taken.
    warmup_steps: steps over which the rate rises linearly.
    done: share of the run that is over, 0 to 1.
    milestones: shares of the run if below 1, else numbers of steps.
    factor: of the rate at each milestone, in (0, 1].
  """
  rate = highest
  if schedule == COSINE:
    rate *= 0.5 + 0.5 * math.cos(math.pi * min(max(done, 0.0), 1.0))
  elif schedule == STEP:
    rate *= factor ** sum((done if place < 1 else step) >= place for place in milestones)
  return rate * min(1.0, (step + 1) / (warmup_steps + 1))


def parse_milestones(text: str) -> tuple[float, ...]:
  """Returns the milestones of a list such as "0.5,0.75" or "1000,2000".

  Raises:
    ValueError: if an item is neither a share in (0, 1) nor a whole number of steps.
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
