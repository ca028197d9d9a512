"""Settings of what a run shows of itself."""

import dataclasses

from deblock.records import option

# None of them changes what is learnt, so a run may be continued with other values.
FREE = frozenset({"log_every_steps", "evaluate_every_steps", "evaluation_tiles", "profile_steps"})


@dataclasses.dataclass(frozen=True)
class WatchingConfig:
  """When a run logs, evaluates and profiles; a part of TrainConfig."""

  log_every_steps: int = option.field(50, "interval of training scalars and of the progress line")
  evaluate_every_steps: int = option.field(
    500, "interval of evaluation on held-out tiles; 0 for never"
  )
  evaluation_tiles: int = option.field(4, "held-out tiles to evaluate on while training")
  profile_steps: int = option.field(
    0,
    "steps to profile once the first call is over, for TensorBoard's profile page, which needs the "
    "package xprof; 0 for none",
  )

  def __post_init__(self):
    """Raises ValueError where a field is out of range."""
    # Beside other parts of TrainConfig, this is not the last to be asked.
    getattr(super(), "__post_init__", lambda: None)()
    if self.log_every_steps < 1:
      raise ValueError(f"log_every_steps must be at least 1, got {self.log_every_steps}.")
    for name in ("evaluate_every_steps", "evaluation_tiles", "profile_steps"):
      if getattr(self, name) < 0:
        raise ValueError(f"{name} must be at least 0, got {getattr(self, name)}.")
