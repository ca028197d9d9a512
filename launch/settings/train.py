"""All settings of a training run: seven parts side by side, each a frozen dataclass."""

from collections.abc import Mapping, Sequence
import dataclasses
import re
from typing import Any

from deblock.launch.machines import cluster as cluster_settings
from deblock.launch.settings import optimization as optimization_settings
from deblock.model.networks import config as model_config
from deblock.pipeline import config as input_config
from deblock.records import option

FEW, ALL = "few", "all"
_MOST_QUALITIES = 4
_METRIC = re.compile(r"eval/\w+(/q\d+)?")


@dataclasses.dataclass(frozen=True)
class TrainConfig:
  """The training loop: where it writes, when it ends, what it runs on."""

  logdir: str = option.field("", "folder of the run: checkpoints, TensorBoard log, settings")
  max_steps: int = option.field(2000, "training steps in all")
  max_minutes: float = option.field(0.0, "also stop after this much training time; 0 for no limit")
  strategy: str = option.field(
    "auto",
    "auto: the named workers, else every GPU of this host, else its CPU; cpu; gpu: the first GPU; "
    "mirrored: every GPU, or every logical CPU device where there is no GPU; multi_worker: the "
    "GPUs, or the CPU, of every worker; tpu",
  )
  steps_per_call: int = option.field(10, "steps between returns to Python; intervals are multiples")
  checkpoint_every_steps: int = option.field(500, "interval of checkpoints")
  seed: int = option.field(0, "of every random decision: weights, order, crops")

  def __post_init__(self):
    """Raises ValueError where a field is out of range."""
    _check_at_least(self, 1, "max_steps", "steps_per_call", "checkpoint_every_steps")
    _check_at_least(self, 0, "max_minutes", "seed")
    cluster_settings.check_strategy(self.strategy)


@dataclasses.dataclass(frozen=True)
class WatchingConfig:
  """When a run logs, evaluates and profiles."""

  log_every_steps: int = option.field(50, "interval of training scalars and of progress")
  evaluate_every_steps: int = option.field(
    500, "interval of evaluation on held-out tiles; 0 for never"
  )
  evaluation_tiles: int = option.field(4, "held-out tiles to evaluate on while training")
  evaluation_qualities: str = option.field(
    FEW,
    f"stored qualities to evaluate at while training: {FEW}, at most 4 spread over all of them; "
    f"{ALL}; or a list such as 10,40",
  )
  profile_steps: int = option.field(
    0,
    "steps to profile after the first call, for TensorBoard's profile page, which needs the "
    "package xprof; 0 for none",
  )

  def __post_init__(self):
    """Raises ValueError where a field is out of range."""
    _check_at_least(self, 1, "log_every_steps")
    _check_at_least(self, 0, "evaluate_every_steps", "evaluation_tiles", "profile_steps")
    if self.evaluation_qualities not in (FEW, ALL):
      option.whole_numbers("evaluation_qualities", self.evaluation_qualities.split(","))


@dataclasses.dataclass(frozen=True)
class StoppingConfig:
  """Which checkpoints are kept, and when a run ends early."""

  keep_checkpoints: int = option.field(3, "latest checkpoints that are kept, beside the best one")
  best_metric: str = option.field(
    "eval/gain_db",
    "the checkpoint with its highest value is the best: eval/gain_db, eval/psnr_db, "
    "eval/psnr_b_db or eval/ssim is the mean over qualities, eval/psnr_db/q10 that of one quality",
  )
  stop_after_evaluations: int = option.field(
    0, "end the run after so many evaluations in a row that were not the best; 0 for never"
  )
  restore_best: bool = option.field(
    False,
    "evaluating, comparing and restoring use the run's best checkpoint, not its latest, unless "
    "--checkpoint names one",
  )

  def __post_init__(self):
    """Raises ValueError where a field is out of range."""
    _check_at_least(self, 1, "keep_checkpoints")
    _check_at_least(self, 0, "stop_after_evaluations")
    if not _METRIC.fullmatch(self.best_metric):
      raise ValueError(
        "best_metric must be the name of a figure of the evaluation, such as eval/gain_db or "
        f"eval/psnr_db/q10, got {self.best_metric!r}."
      )


@dataclasses.dataclass(frozen=True)
class RunConfig:
  """All settings of a run. No two parts have a field of the same name: each field is a flag."""

  model: model_config.ModelConfig
  input: input_config.InputConfig
  train: TrainConfig = dataclasses.field(default_factory=TrainConfig)
  optimization: optimization_settings.OptimizationConfig = dataclasses.field(
    default_factory=optimization_settings.OptimizationConfig
  )
  watching: WatchingConfig = dataclasses.field(default_factory=WatchingConfig)
  stopping: StoppingConfig = dataclasses.field(default_factory=StoppingConfig)
  cluster: cluster_settings.ClusterConfig = dataclasses.field(
    default_factory=cluster_settings.ClusterConfig
  )

  def __post_init__(self):
    """Raises ValueError where two parts do not fit each other."""
    per_call = self.train.steps_per_call
    for part, name in (
      (self.watching, "log_every_steps"),
      (self.watching, "evaluate_every_steps"),
      (self.train, "checkpoint_every_steps"),
      (self.watching, "profile_steps"),
    ):
      if getattr(part, name) % per_call:
        raise ValueError(
          f"{name} must be a multiple of steps_per_call, {per_call}, got {getattr(part, name)}."
        )
    if self.stopping.stop_after_evaluations:
      for name in ("evaluate_every_steps", "evaluation_tiles"):
        if not getattr(self.watching, name):
          raise ValueError(
            f"stop_after_evaluations needs evaluations: {name} must be at least 1, got 0."
          )


# The parts, by the name of their field.
PARTS: dict[str, type] = {field.name: field.type for field in dataclasses.fields(RunConfig)}  # type: ignore[misc]
# The type of every setting, by its name.
KINDS: dict[str, Any] = {
  field.name: field.type for part in PARTS.values() for field in dataclasses.fields(part)
}

# A run may be continued with other values of these settings. They do not change what is learnt from
# a step, or they change only the order of its batches (data_service, workers), or they are the
# reason to continue.
_FREE = frozenset(
  {
    "records",
    "data_service",
    "on_bad_record",
    "max_bad_share",
    "logdir",
    "max_steps",
    "max_minutes",
    "strategy",
    "checkpoint_every_steps",
  }
  | {
    field.name
    for part in (WatchingConfig, StoppingConfig, cluster_settings.ClusterConfig)
    for field in dataclasses.fields(part)
  }
  | optimization_settings.FREE
)
# Workers of one run may differ in these: folders can have other names on other machines.
_OWN = frozenset(
  {"records", "logdir", "strategy", "data_service"}
  | {field.name for field in dataclasses.fields(cluster_settings.ClusterConfig)}
)


def run_of(settings: Mapping[str, Any]) -> RunConfig:
  """Returns the run with these settings, and the default of every other one.

  Args:
    settings: values by name of the setting, whatever its part.
  Raises:
    TypeError: if a name is no setting.
    ValueError: if a value is refused.
  """
  names = {part: {field.name for field in dataclasses.fields(kind)} for part, kind in PARTS.items()}
  unknown = sorted(set(settings).difference(*names.values()))
  if unknown:
    raise TypeError(f"a run has no settings {', '.join(unknown)}")
  return RunConfig(
    **{
      part: kind(**{name: settings[name] for name in settings if name in names[part]})
      for part, kind in PARTS.items()
    }
  )


def evaluated_qualities(watching: WatchingConfig, stored: Sequence[int]) -> tuple[int, ...]:
  """Returns the qualities that a run is evaluated at while it trains.

  Args:
    watching: its settings.
    stored: qualities of the records that it uses.
  Raises:
    ValueError: if a quality is asked for that is not stored.
  """
  asked = watching.evaluation_qualities
  if asked == ALL or (asked == FEW and len(stored) <= _MOST_QUALITIES):
    return tuple(stored)
  if asked == FEW:
    ordered, gaps = sorted(stored), _MOST_QUALITIES - 1
    return tuple(ordered[step * (len(stored) - 1) // gaps] for step in range(_MOST_QUALITIES))
  chosen = option.whole_numbers("evaluation_qualities", asked.split(","))
  if missing := sorted(set(chosen) - set(stored)):
    raise ValueError(
      f"evaluation_qualities must be among the stored ones, {option.text(tuple(stored))}, got "
      f"{option.text(tuple(missing))}."
    )
  return chosen


def settings_of(run: RunConfig) -> dict[str, Any]:
  """Returns all settings of a run, by name."""
  return {
    name: value for part in PARTS for name, value in dataclasses.asdict(getattr(run, part)).items()
  }


def settings_to_agree_on(run: RunConfig) -> dict[str, Any]:
  """Returns the settings, by name, that must be the same on all workers of a run."""
  return {name: value for name, value in settings_of(run).items() if name not in _OWN}


def is_free(name: str) -> bool:
  """Returns whether a run may be continued with another value of this setting."""
  return name in _FREE


def _check_at_least(part, least, *names):
  for name in names:
    if getattr(part, name) < least:
      raise ValueError(f"{name} must be at least {least}, got {getattr(part, name)}.")
