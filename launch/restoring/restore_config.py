"""How deblock-restore restores a set of files, as one value."""

import dataclasses

from deblock.launch.file_sets import set_config
from deblock.launch.restoring import choices
from deblock.launch.run_folder import checkpoint_folder
from deblock.records import option
from deblock.records.photos import formats

DEPTHS = (8, 16)
_OTHER_NAMES = {"jpeg": "jpg", "tif": "tiff"}


@dataclasses.dataclass(frozen=True)
class RestoreConfig(set_config.SetConfig):
  """The flags of deblock-restore."""

  model: str = option.field(
    "default", "pretrained network, default or fast, or FILE.onnx that deblock-export wrote"
  )
  logdir: str = option.field(
    "", "folder of a run whose network is used in place of --model; exports it there once"
  )
  checkpoint: str = option.field("", checkpoint_folder.WHICH_HELP)
  format: str = option.field(
    "png", "of the results: png, webp or tiff, lossless, or jpg, at quality 95 or the input's"
  )
  faithful: bool = option.field(
    True, "keep the coefficients of JPEG files, as far as --strength and 8 bits allow"
  )
  self_ensemble: bool = option.field(
    False, "take the mean of the results in all eight positions, for eight times the work"
  )
  strength: float = option.field(1.0, "how much of the correction is applied, 0 to 1")
  quality: int = option.field(
    0, "of the JPEG, if not what its tables or its pixels tell; 0 for these"
  )
  depth: int = option.field(
    8, "bits a sample of the results: 8, or 16 against banding, of png and tiff"
  )
  device: str = option.field(
    "auto", "cpu; cuda, the first NVIDIA GPU; or auto, that GPU if ONNX Runtime can use it"
  )

  def __post_init__(self):
    """Raises ValueError where a field is missing or out of range."""
    # The names by which others know these formats.
    if self.format in _OTHER_NAMES:
      object.__setattr__(self, "format", _OTHER_NAMES[self.format])
    super().__post_init__()
    checkpoint_folder.check_which(self.checkpoint, self.logdir)
    if not self.logdir:
      choices.check_model(self.model)
    choices.check_device(self.device)
    formats.check(self.format)
    choices.check_strength(self.strength)
    if self.quality:
      # Here, since --help can do without NumPy.
      from deblock.records.jpeg import tables as jpeg_tables

      jpeg_tables.check_quality(self.quality)
    if self.depth not in DEPTHS:
      raise ValueError(f"depth must be 8 or 16, got {self.depth}.")
    if self.depth == 16 and not formats.FORMATS[self.format].keeps_16_bits:
      raise ValueError(f"depth must be 8 with format {self.format}, which has no more, got 16.")
