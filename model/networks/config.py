"""What network to build, as one value."""

import dataclasses

NONE, QUALITY, TABLES = CONDITIONS = ("none", "quality", "tables")


@dataclasses.dataclass(frozen=True)
class ModelConfig:
  """The network and its size; saved beside a run, so that evaluation rebuilds the same one."""

  model: str = dataclasses.field(
    default="blockcnn", metadata={"help": "network to train; see --list_models"}
  )
  width: int = dataclasses.field(
    default=0,
    metadata={"help": "channels of the trunk's first layers (k); 0 is the paper's own width"},
  )
  residual: bool = dataclasses.field(
    default=True,
    metadata={"help": "predict what to add to the JPEG rather than the restored pixels"},
  )
  condition: str = dataclasses.field(
    default="",
    metadata={
      "help": "what the network is told about the JPEG: none, its quality or its quantisation "
      "tables; empty is the network's own, tables for deblocknet and none for the others"
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
