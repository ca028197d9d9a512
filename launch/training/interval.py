"""What training sums up between two points of its curve."""

import dataclasses


@dataclasses.dataclass
class Interval:
  """Sums since scalars were last logged, in float64.

  They are saved with every checkpoint, for a run that is stopped in between to log the same value
  when it goes on.

  Attributes:
    steps: number of steps.
    seconds: they took.
    loss: sum over the steps, as the other two.
    error: mean squared error of the restored crops.
    error_jpeg: the same of the JPEGs.
    gradient_norm: norm of all gradients together, before they are clipped.
  """

  steps: int = 0
  seconds: float = 0.0
  loss: float = 0.0
  error: float = 0.0
  error_jpeg: float = 0.0
  gradient_norm: float = 0.0

  def add(self, steps: int, seconds: float, totals) -> None:
    """Adds a call of the inner loop, whose sums are a `step.Totals` of numbers."""
    self.steps += steps
    self.seconds += seconds
    self.loss += totals.loss
    self.error += totals.error
    self.error_jpeg += totals.error_jpeg
    self.gradient_norm += totals.gradient_norm
