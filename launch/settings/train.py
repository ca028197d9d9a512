"""How to train, as one value, and the file that keeps a run's settings beside it."""

import dataclasses
import json
import pathlib

from deblock.launch.machines import cluster_config
from deblock.launch.machines import strategy as strategy_lib
from deblock.launch.settings import optimization as optimization_settings
from deblock.launch.settings import stopping_config, watching_config
from deblock.model.networks import config as model_config
from deblock.pipeline import config as input_config
from deblock.records import option
from deblock.records.layout import files

RUN_FILE = "run.json"
STRATEGIES = strategy_lib.NAMES


@dataclasses.dataclass(frozen=True)
class TrainConfig(
  optimization_settings.OptimizationConfig,
  watching_config.WatchingConfig,
  stopping_config.StoppingConfig,
  cluster_config.ClusterConfig,
):
  """The training loop's settings."""

  logdir: str = option.field("", "folder of the run: checkpoints, TensorBoard log, settings")
  max_steps: int = option.field(2000, "training steps in all")
  max_minutes: float = option.field(0.0, "stop after this much training time too; 0 for no limit")
  strategy: str = option.field(
    "auto",
    "auto: the workers that are named, else every GPU of this host, else its CPU; cpu; gpu: the "
    "first one; mirrored: every GPU, or every logical CPU device where there is none; "
    "multi_worker: the GPUs, or the CPU, of every worker; tpu",
  )
  steps_per_call: int = option.field(10, "steps between returns to Python; intervals are multiples")
  checkpoint_every_steps: int = option.field(500, "interval of checkpoints")
  seed: int = option.field(0, "of every random decision: weights, order, crops")

  def __post_init__(self):
    """Raises ValueError where a field is out of range."""
    super().__post_init__()
    stopping_config.check_goes_with(self, self.evaluate_every_steps, self.evaluation_tiles)
    for name in ("max_steps", "steps_per_call", "checkpoint_every_steps"):
      if getattr(self, name) < 1:
        raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}.")
    for name in ("max_minutes", "seed"):
      if getattr(self, name) < 0:
        raise ValueError(f"{name} must be at least 0, got {getattr(self, name)}.")
    for name in (
      "log_every_steps",
      "evaluate_every_steps",
      "checkpoint_every_steps",
      "profile_steps",
    ):
      if getattr(self, name) % self.steps_per_call:
        raise ValueError(
          f"{name} must be a multiple of steps_per_call, {self.steps_per_call}, got "
          f"{getattr(self, name)}."
        )
    if self.strategy not in STRATEGIES:
      raise ValueError(f"strategy must be one of {', '.join(STRATEGIES)}, got {self.strategy!r}.")


@dataclasses.dataclass(frozen=True)
class RunConfig:
  """All settings of a run."""

  model: model_config.ModelConfig
  input: input_config.InputConfig
  train: TrainConfig


# A run may be continued with other values of these: they do not change what is learnt from a step,
# or only by the order of its batches (data_service), or they are what continuing is for.
_FREE = frozenset(
  {
    "records",
    "data_service",
    "logdir",
    "max_steps",
    "max_minutes",
    "strategy",
    "checkpoint_every_steps",
    "on_bad_record",
    "max_bad_share",
  }
  | optimization_settings.FREE
  | watching_config.FREE
  | stopping_config.FREE
  | cluster_config.FREE
)


def is_free(name: str) -> bool:
  """Returns whether a run may be continued with another value of this setting."""
  return name in _FREE


def save(run: RunConfig) -> None:
  """Writes the settings into the run's folder."""
  path = pathlib.Path(run.train.logdir) / RUN_FILE
  files.write_text(path, json.dumps(dataclasses.asdict(run), indent=2) + "\n")


def load(logdir: str) -> RunConfig:
  """Returns the settings of the run in `logdir`.

  Raises:
    FileNotFoundError: if there is no run.
    ValueError: if its settings cannot be read.
  """
  path = pathlib.Path(logdir) / RUN_FILE
  if not path.exists():
    raise FileNotFoundError(f"{logdir} holds no run: it has no {RUN_FILE}. Train one there first.")
  try:
    values = json.loads(path.read_text())
    inputs = {**values["input"], "qualities": tuple(values["input"]["qualities"])}
    return RunConfig(
      model=model_config.ModelConfig(**values["model"]),
      input=input_config.InputConfig(**inputs),
      train=TrainConfig(**values["train"]),
    )
  except (json.JSONDecodeError, KeyError, TypeError) as error:
    raise ValueError(f"{path} does not hold the settings of a run: {error}.") from error


def check_continues(run: RunConfig) -> None:
  """Checks that the run in the folder, if there is one, was started with these settings.

  Raises:
    ValueError: naming each setting that differs, with both values.
  """
  if not (pathlib.Path(run.train.logdir) / RUN_FILE).exists():
    return
  before, now = dataclasses.asdict(load(run.train.logdir)), dataclasses.asdict(run)
  differences = [
    f"{name} was {before[part][name]}, now {value}"
    for part, values in now.items()
    for name, value in values.items()
    if name not in _FREE and before[part][name] != value
  ]
  if differences:
    raise ValueError(
      f"{run.train.logdir} holds a run with other settings ({'; '.join(differences)}): continue it "
      "with its own, or choose another --logdir."
    )
