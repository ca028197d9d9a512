"""Which checkpoints of a run are kept, and when it ends before its steps do."""

import dataclasses
import re

from deblock.records import option

# A run may be continued with other values of these: none of them changes what is learnt.
FREE = frozenset({"keep_checkpoints", "best_metric", "stop_after_evaluations", "restore_best"})
_METRIC = re.compile(r"eval/\w+(/q\d+)?")


@dataclasses.dataclass(frozen=True)
class StoppingConfig:
  """What a run that is left alone keeps, and when it gives up."""

  keep_checkpoints: int = option.field(3, "latest checkpoints that are kept, beside the best one")
  best_metric: str = option.field(
    "eval/gain_db",
    "whose highest value makes a checkpoint the best: eval/gain_db, eval/psnr_db, eval/psnr_b_db "
    "or eval/ssim is the mean over qualities, eval/psnr_db/q10 that of one",
  )
  stop_after_evaluations: int = option.field(
    0, "end the run after so many evaluations in a row that were not the best; 0 for never"
  )
  restore_best: bool = option.field(
    False,
    "evaluating, comparing and restoring take the run's best checkpoint, not its latest, unless "
    "their --checkpoint says otherwise",
  )

  def __post_init__(self):
    """Raises ValueError where a field is out of range."""
    others = getattr(super(), "__post_init__", None)
    if others is not None:
      others()
    if self.keep_checkpoints < 1:
      raise ValueError(f"keep_checkpoints must be at least 1, got {self.keep_checkpoints}.")
    if not _METRIC.fullmatch(self.best_metric):
      raise ValueError(
        "best_metric must be the name of a figure of the evaluation, such as eval/gain_db or "
        f"eval/psnr_db/q10, got {self.best_metric!r}."
      )
    if self.stop_after_evaluations < 0:
      raise ValueError(
        f"stop_after_evaluations must be at least 0, got {self.stop_after_evaluations}."
      )


def check_goes_with(
  config: StoppingConfig, evaluate_every_steps: int, evaluation_tiles: int
) -> None:
  """Checks that there are evaluations to stop after.

  Raises:
    ValueError: naming the flag without which there are none.
  """
  if not config.stop_after_evaluations:
    return
  for name, value in (
    ("evaluate_every_steps", evaluate_every_steps),
    ("evaluation_tiles", evaluation_tiles),
  ):
    if not value:
      raise ValueError(
        f"stop_after_evaluations needs evaluations: {name} must be at least 1, got {value}."
      )
