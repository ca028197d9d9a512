"""What network to build, and how it is run over an image of any size, as values."""

import dataclasses

NONE, QUALITY, TABLES = CONDITIONS = ("none", "quality", "tables")


@dataclasses.dataclass(frozen=True)
class ModelConfig:
  """The network and its size; saved with a run, so that evaluation rebuilds the same one."""

  model: str = dataclasses.field(
    default="blockcnn",
    metadata={
      "help": "network to train: a name of --list_models, which shows its defaults of crop_size, "
      "batch_size, learning_rate, loss, online_qualities and max_steps, or MODULE:NAME of your own"
    },
  )
  width: int = dataclasses.field(
    default=0,
    metadata={"help": "channels of the trunk's first layers (k); 0 is the paper's own width"},
  )
  residual: bool = dataclasses.field(
    default=True,
    metadata={
      "help": "predict a residual, which is added to the JPEG, instead of the restored pixels"
    },
  )
  condition: str = dataclasses.field(
    default="",
    metadata={
      "help": "the network's input about the JPEG: none, its quality or its quantisation tables; "
      "empty is the network's default, tables for deblocknet and none for the others"
    },
  )

  def __post_init__(self):
    """Raises ValueError where a field is out of range."""
    if self.width < 0:
      raise ValueError(f"width must be at least 0, where 0 is the paper's own, got {self.width}.")
    if self.condition not in ("", *CONDITIONS):
      raise ValueError(
        f"condition must be one of {', '.join(CONDITIONS)}, or empty for the network's own, got "
        f"{self.condition!r}."
      )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Traits:
  """How a network is run over an image of any size.

  Attributes:
    name: of the network.
    context: pixels of surroundings that a block depends on, on each side; a multiple of 8.
    border: what replaces pixels beyond an image's edge: "mirror" or "zeros".
    blockwise: whether a block depends on how much of the image is in the input. The network then
      runs one block at a time.
    keeps_size: whether the restored image is as large as the JPEG, and the network handles an
      image's edge itself; otherwise the network takes `context` pixels off each side.
    conditioned: whether the network takes the JPEG's quantisation tables too.
    pools: whether it takes a mean over its whole input. A restored pixel then depends a little on
      how much of the image is the input, and context and tiles are not exact.
  """

  name: str
  context: int
  border: str = "zeros"
  blockwise: bool = False
  keeps_size: bool = False
  conditioned: bool = False
  pools: bool = False

  @property
  def consumed(self) -> int:
    """Pixels that the network takes off each side."""
    return 0 if self.keeps_size else self.context
