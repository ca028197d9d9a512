"""The learning rate over a run."""

import math


def learning_rate(
  highest: float, schedule: str, step: int, warmup_steps: int, done: float
) -> float:
  """Returns the learning rate of the step that follows.

  Args:
    highest: rate after the warm-up.
    schedule: "constant", or "cosine" for half a cosine from `highest` to nought.
    step: steps taken.
    warmup_steps: steps over which the rate rises linearly.
    done: share of the run that is over, 0 to 1.
  """
  rate = highest
  if schedule == "cosine":
    rate *= 0.5 + 0.5 * math.cos(math.pi * min(max(done, 0.0), 1.0))
  return rate * min(1.0, (step + 1) / (warmup_steps + 1))
