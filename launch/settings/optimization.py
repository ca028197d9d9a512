"""The settings of learning: loss, optimiser, schedule and precision."""

import dataclasses

from deblock.launch.settings import crop_stages, schedule
from deblock.records import option

ADAM, ADAMW, SGD = OPTIMIZERS = ("adam", "adamw", "sgd")
FLOAT32, BFLOAT16, FLOAT16 = PRECISIONS = ("float32", "bfloat16", "float16")
AUTO, TRUE, FALSE = COMPILING = ("auto", "true", "false")

# A continued run may change these: they decide when it ends, or how a step is computed, and not
# what is learnt from it. The exception: the statistics of batch normalisation are those of a part.
# Those of `model.losses`, which loads TensorFlow; settings are checked without it.
LOSSES = ("charbonnier", "frequency", "l1", "l2", "psnr", "smooth_l1", "sobel", "ssim")
FREE = frozenset({"max_epochs", "accumulate_steps", "jit_compile"})


@dataclasses.dataclass(frozen=True)
class OptimizationConfig:
  """From a batch to changed weights."""

  loss: str = option.field("", f"loss to minimise: {', '.join(LOSSES)}; the network's own if empty")
  optimizer: str = option.field("adam", "adam; adamw, with weight decay; sgd, with momentum")
  learning_rate: float = option.field(2e-3, "highest learning rate of the optimiser")
  momentum: float = option.field(0.9, "optimizer=sgd: share of the last change in the next one")
  weight_decay: float = option.field(
    0.0,
    "optimizer=adamw or sgd: share of each kernel that a step at learning rate 1 removes; biases, "
    "gains and maps do not decay",
  )
  schedule: str = option.field(
    "cosine", "of the learning rate: constant; cosine, which falls to zero; step, at --milestones"
  )
  milestones: str = option.field(
    "0.5,0.75,0.9",
    "schedule=step: where the learning rate falls, as shares of the run below 1 or as whole steps",
  )
  milestone_factor: float = option.field(
    0.5, "schedule=step: factor of the learning rate at each milestone"
  )
  warmup_steps: int = option.field(20, "steps over which the learning rate rises from zero")
  clip_norm: float = option.field(
    0.0, "largest norm of all gradients together; longer ones are scaled down to it; 0 for no limit"
  )
  accumulate_steps: int = option.field(
    1,
    "parts into which each batch is split to use less memory: their gradients are summed, and the "
    "weights change once",
  )
  ema_decay: float = option.field(
    0.0,
    "decay of the averages of the weights per step, such as 0.999; evaluating and restoring use "
    "the averages; 0 for no averages",
  )
  precision: str = option.field(
    "float32",
    "of the network's inner layers while training: float32, bfloat16, or float16 with loss "
    "scaling; weights, first and last layers and the loss are float32",
  )
  jit_compile: str = option.field(
    "auto", "whether XLA compiles the step: true, false, or auto: on CPUs only"
  )
  init_from: str = option.field(
    "",
    "weights to start from: a run's folder, one of its checkpoints, or pretrained weights such as "
    "default",
  )
  max_epochs: float = option.field(
    0.0, "also stop after so many passes over the training records; 0 for no limit"
  )
  early_crop_sizes: str = option.field(
    "",
    "crop sizes before --crop_size, each until a share of the run: 48@0.5 or 32@0.25,64@0.5; the "
    "number of crops in a batch stays the same",
  )

  def __post_init__(self):
    """Raises ValueError where a field is out of range."""
    for name, choices in (
      ("loss", ("", *LOSSES)),
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
