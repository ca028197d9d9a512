"""Placement, colour and damage of crops beyond one plain JPEG; all of it is off by default."""

import dataclasses

from deblock.pipeline import distributions
from deblock.records import option
from deblock.records.jpeg import sampling as jpeg_sampling

_GRIDS = (jpeg_sampling.BLOCK, jpeg_sampling.MCU)
_SCALES = (0.25, 4.0)


@dataclasses.dataclass(frozen=True)
class DamageConfig:
  """Shares of crops that are changed; every crop decides independently."""

  crop_grid: int = option.field(
    8, "crops start at multiples of this: 8, or 16, where blocks of 4:2:0 chroma start too"
  )
  misaligned_share: float = option.field(
    0.0, "share of crops that do not start at a block of their JPEG"
  )
  clean_share: float = option.field(
    0.0, "share of crops without compression: quality 100, steps of 1"
  )
  gray_share: float = option.field(
    0.0, "degradation=online: share of gray crops, three equal channels"
  )
  online_subsampling: str = option.field(
    "420",
    "degradation=online: chroma subsamplings to draw from: 420 or 420,444 or weighted lists, "
    "0.6*420+0.2*422+0.2*444",
  )
  encoder_tables_share: float = option.field(
    0.0,
    "degradation=online: share of crops compressed with the quantisation tables of Photoshop's "
    "or mozjpeg's presets",
  )
  double_share: float = option.field(
    0.0, "degradation=online: share of crops compressed twice, the second time on a shifted grid"
  )
  double_qualities: str = option.field(
    "", "qualities of the first JPEG, written as online_qualities; the same as these if empty"
  )
  double_largest_shift: int = option.field(
    7, "largest shift between the two grids along each axis, in pixels; 0 for equal grids"
  )
  resize_share: float = option.field(
    0.0,
    "degradation=online: share of crops compressed, resized and compressed again; the clean crop "
    "is resized too",
  )
  resize_smallest: float = option.field(0.5, "smallest scale of a resized crop, below 1 shrinks")
  resize_largest: float = option.field(1.0, "largest scale of a resized crop")
  channel_order_share: float = option.field(
    0.0, "degradation=online: share of crops with R, G and B in a random order"
  )
  tone_share: float = option.field(
    0.0, "degradation=online: share of crops with changed contrast and brightness, before JPEG"
  )
  tone_contrast: float = option.field(0.2, "contrast is multiplied by 1 - this to 1 + this")
  tone_brightness: float = option.field(
    0.1, "brightness changes by up to this share of the range, up or down"
  )

  def __post_init__(self):
    """Raises ValueError where a field is out of range."""
    if self.crop_grid not in _GRIDS:
      raise ValueError(f"crop_grid must be 8 or 16, got {self.crop_grid}.")
    for field in dataclasses.fields(DamageConfig):
      share = getattr(self, field.name)
      if field.name.endswith("_share") and not 0.0 <= share <= 1.0:
        raise ValueError(f"{field.name} must be in [0, 1], got {share}.")
    distributions.of_subsamplings(self.online_subsampling)
    if self.double_qualities:
      distributions.of_qualities(self.double_qualities, "double_qualities")
    if not 0 <= self.double_largest_shift <= 7:
      raise ValueError(
        f"double_largest_shift must be in [0, 7], less than a block, got "
        f"{self.double_largest_shift}."
      )
    if not _SCALES[0] <= self.resize_smallest <= self.resize_largest <= _SCALES[1]:
      raise ValueError(
        f"resize_smallest and resize_largest must be in this order and in {list(_SCALES)}, got "
        f"{self.resize_smallest} and {self.resize_largest}."
      )
    if not 0.0 <= self.tone_contrast < 1.0:
      raise ValueError(f"tone_contrast must be in [0, 1), got {self.tone_contrast}.")
    if not 0.0 <= self.tone_brightness <= 1.0:
      raise ValueError(f"tone_brightness must be in [0, 1], got {self.tone_brightness}.")


def changes(config: DamageConfig) -> dict[str, object]:
  """Returns the options, by name, that differ from their defaults."""
  return {
    field.name: getattr(config, field.name)
    for field in dataclasses.fields(DamageConfig)
    if getattr(config, field.name) != field.default
  }


def is_any(config: DamageConfig) -> bool:
  """Returns whether any crop gets more than one JPEG compression with 4:2:0."""
  happens = {name for name in changes(config) if name.endswith("_share")}
  return bool(happens) or distributions.of_subsamplings(config.online_subsampling)[0] < 1.0


def check_goes_with(config: DamageConfig, sampling: str, degradation: str) -> None:
  """Checks that the options apply to this sampling and degradation.

  Raises:
    ValueError: naming the options that need sampling=crops, or degradation=online.
  """
  changed = changes(config)
  if sampling != "crops" and changed:
    raise ValueError(f"{_listed(changed)} goes with sampling=crops only, got {sampling!r}.")
  for name in ("crop_grid", "misaligned_share", "clean_share"):
    changed.pop(name, None)
  if degradation != "online" and changed:
    raise ValueError(
      f"{_listed(changed)} goes with degradation=online only, which compresses crops again, got "
      f"{degradation!r}."
    )


def _listed(changed):
  return ", ".join(f"{name}={value}" for name, value in changed.items())
