"""What deblock-compare and deblock-demo draw, as values."""

import dataclasses

from deblock.launch.evaluation import settings
from deblock.model import pretrained_files
from deblock.records import option
from deblock.records.jpeg import tables as jpeg_tables


@dataclasses.dataclass(frozen=True)
class CompareConfig(settings.SelectionConfig):
  """The flags of deblock-compare."""

  report_images: int = option.field(
    6, "images in the report and on the contact sheet, each a few MB; 0 for no contact sheet"
  )

  def __post_init__(self):
    """Raises ValueError where a field is missing or out of range."""
    super().__post_init__()
    if not self.output:
      raise ValueError("output must name a folder: use --output=DIR.")
    if self.report_images < 0:
      raise ValueError(f"report_images must be at least 0, got {self.report_images}.")


@dataclasses.dataclass(frozen=True)
class DemoConfig:
  """The flags of deblock-demo."""

  output: str = option.field("", "folder to write to")
  model: str = option.field("default", "pretrained network: default or fast")
  qualities: tuple[int, ...] = option.field(
    (10, 20, 30, 40), "JPEG qualities; the photographs take turns"
  )

  def __post_init__(self):
    """Raises ValueError where a field is missing or out of range."""
    if not self.output:
      raise ValueError("output must name a folder: use --output=DIR.")
    pretrained_files.check_name(self.model)
    if not self.qualities:
      raise ValueError("qualities must name one quality at least, got none.")
    for quality in self.qualities:
      jpeg_tables.check_quality(quality, "each of qualities")
