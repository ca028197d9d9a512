"""What deblock-pipeline shows of an input pipeline, as a value."""

import dataclasses

from deblock.records import option


@dataclasses.dataclass(frozen=True)
class ReportConfig:
  """The flags of deblock-pipeline beside those of the input."""

  benchmark: bool = option.field(False, "measure each stage, and name the slowest")
  show: str = option.field("", "PNG file to write: crops as training sees them")
  check: bool = option.field(False, "check all shards, and list the bad records")
  seconds: float = option.field(5.0, "benchmark: time for each stage, and again to warm up")
  threads: int = option.field(0, "benchmark: threads of the pipeline; 0 for one per core")
  rows: int = option.field(18, "show: crops to draw, in a grid of about 4:3")
  seed: int = option.field(0, "seed of the stream: order, crops, qualities")

  def __post_init__(self):
    """Raises ValueError where a field is out of range, or there is nothing to do."""
    if not (self.benchmark or self.show or self.check):
      raise ValueError("there is nothing to do: give --benchmark, --show=FILE.png or --check.")
    if self.show and not self.show.lower().endswith(".png"):
      raise ValueError(f"show must name a PNG file, got {self.show!r}.")
    if not 0 < self.seconds < float("inf"):
      raise ValueError(f"seconds must be positive, got {self.seconds}.")
    for name, least in (("threads", 0), ("rows", 1), ("seed", 0)):
      if getattr(self, name) < least:
        raise ValueError(f"{name} must be at least {least}, got {getattr(self, name)}.")
