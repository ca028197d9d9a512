"""How weights learn from gradients, as one value."""

import dataclasses

from deblock.launch.settings import crop_stages, schedule
from deblock.model import losses
from deblock.records import option

ADAM, ADAMW, SGD = OPTIMIZERS = ("adam", "adamw", "sgd")
FLOAT32, BFLOAT16, FLOAT16 = PRECISIONS = ("float32", "bfloat16", "float16")
AUTO, TRUE, FALSE = COMPILING = ("auto", "true", "false")

# A continued run may change these: they decide when it ends, or how a step is computed, and not
# what is learnt from it (but for the statistics of batch normalisation, which each part has of its
# own).
FREE = frozenset({"max_epochs", "accumulate_steps", "jit_compile"})


@dataclasses.dataclass(frozen=True)
class OptimizationConfig:
  """From a batch to changed weights: loss, optimiser, schedule and precision."""

  loss: str = option.field(
    "", f"what to minimise: {', '.join(losses.names())}; empty for the network's own"
  )
  optimizer: str = option.field("adam", "adam; adamw, with weight decay; sgd, with momentum")
  learning_rate: float = option.field(2e-3, "of the optimiser, at its highest")
  momentum: float = option.field(0.9, "optimizer=sgd: share of the last change in the next one")
  weight_decay: float = option.field(
    0.0,
    "optimizer=adamw or sgd: share of each kernel that a step at learning rate 1 takes away; "
    "biases, gains and maps keep theirs",
  )
  schedule: str = option.field(
    "cosine", "how the learning rate falls: constant; cosine, to nought; step, at --milestones"
  )
  milestones: str = option.field(
    "0.5,0.75,0.9",
    "schedule=step: where the learning rate falls, as shares of the run below 1 or as whole steps",
  )
  milestone_factor: float = option.field(
    0.5, "schedule=step: what the learning rate is multiplied by at each milestone"
  )
  warmup_steps: int = option.field(20, "steps over which the learning rate rises from nought")
  clip_norm: float = option.field(
    0.0, "largest norm of all gradients together, longer ones are shortened to it; 0 for any"
  )
  accumulate_steps: int = option.field(
    1,
    "parts in which each batch is worked through, to take less memory: their gradients are added "
    "up, and the weights change once",
  )
  ema_decay: float = option.field(
    0.0,
    "keep averages of the weights too, which forget by this factor a step, such as 0.999: they are "
    "what is evaluated and restored with; 0 for none",
  )
  precision: str = option.field(
    "float32",
    "of the network's inner layers while training: float32, bfloat16 or float16, whose loss is "
    "scaled; weights, first and last layers and the loss are float32",
  )
  jit_compile: str = option.field(
    "auto", "whether XLA compiles the step: true, false, or auto: on CPUs, where it was measured"
  )
  init_from: str = option.field(
    "",
    "weights to start from: a run's folder, a checkpoint in one, or weights that ship, such as "
    "default",
  )
  max_epochs: float = option.field(
    0.0, "stop after so many passes over the training records too; 0 for no limit"
  )
  early_crop_sizes: str = option.field(
    "",
    "crop sizes to begin with, each up to a share of the run, before --crop_size: 48@0.5 or "
    "32@0.25,64@0.5; the number of crops in a batch stays",
  )

  def __post_init__(self):
    """Raises ValueError where a field is out of range."""
    following = getattr(super(), "__post_init__", None)
    if following is not None:
      following()
    for name, choices in (
      ("loss", ("", *losses.names())),
      ("optimizer", OPTIMIZERS),
      ("schedule", schedule.NAMES),
      ("precision", PRECISIONS),
      ("jit_compile", COMPILING),
    ):
      if getattr(self, name) not in choices:
        known = ", ".join(filter(None, choices))
        raise ValueError(f"{name} must be one of {known}, got {getattr(self, name)!r}.")
    if not self.learning_rate > 0:
      raise ValueError(f"learning_rate must be positive, got {self.learning_rate}.")
    for name in ("momentum", "ema_decay"):
      if not 0.0 <= getattr(self, name) < 1.0:
        raise ValueError(f"{name} must be in [0, 1), got {getattr(self, name)}.")
    for name in ("weight_decay", "warmup_steps", "clip_norm", "max_epochs"):
      if not getattr(self, name) >= 0:
        raise ValueError(f"{name} must be at least 0, got {getattr(self, name)}.")
    if self.weight_decay and self.optimizer == ADAM:
      raise ValueError(
        f"weight_decay goes with optimizer=adamw or sgd, got {self.weight_decay} with "
        f"{self.optimizer!r}."
      )
    if self.optimizer == ADAMW and not self.weight_decay:
      raise ValueError(
        "weight_decay must be positive with optimizer=adamw, such as 0.01, got "
        f"{self.weight_decay}: without it, it is adam."
      )
    if not 0.0 < self.milestone_factor <= 1.0:
      raise ValueError(f"milestone_factor must be in (0, 1], got {self.milestone_factor}.")
    if self.accumulate_steps < 1:
      raise ValueError(f"accumulate_steps must be at least 1, got {self.accumulate_steps}.")
    schedule.parse_milestones(self.milestones)
    crop_stages.parse(self.early_crop_sizes)
