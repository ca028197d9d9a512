"""How deblock-restore restores a set of files, as one value."""

import dataclasses

from deblock.launch.restoring import choices
from deblock.launch.run_folder import checkpoint_folder
from deblock.records import option
from deblock.records.photos import formats

METADATA = ("keep", "strip")
DEPTHS = (8, 16)
_OTHER_NAMES = {"jpeg": "jpg", "tif": "tiff"}
# Above it Pillow refuses by itself.
_MOST_MEGAPIXELS = 178.0
_LEAST_MEMORY = 256


@dataclasses.dataclass(frozen=True)
class RestoreConfig:
  """The flags of deblock-restore."""

  out: str = option.field("", "folder to write to; folders below the inputs are kept there")
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
  suffix: str = option.field("", "added to the names of the results, before the dot")
  overwrite: bool = option.field(
    False, "restore finished files again, and replace any file that is in a result's place"
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
  metadata: str = option.field(
    "keep", "EXIF, colour profile, XMP, comments and so on: keep or strip"
  )
  keep_times: bool = option.field(False, "give each result the times of its input")
  report: str = option.field("", "JSON file to write: what became of each file")
  device: str = option.field(
    "auto", "cpu; cuda, the first NVIDIA GPU; or auto, that GPU if ONNX Runtime can use it"
  )
  max_memory: int = option.field(
    2048, "MiB above what the libraries take; larger images are refused"
  )
  max_megapixels: float = option.field(134.0, "larger images are refused before they are decoded")

  def __post_init__(self):
    """Raises ValueError where a field is missing or out of range."""
    # The names by which others know these formats.
    if self.format in _OTHER_NAMES:
      object.__setattr__(self, "format", _OTHER_NAMES[self.format])
    if not self.out:
      raise ValueError("out must name a folder: use --out=DIR.")
    checkpoint_folder.check_which(self.checkpoint, self.logdir)
    if not self.logdir:
      choices.check_model(self.model)
    choices.check_device(self.device)
    formats.check(self.format)
    if any(part in self.suffix for part in ("/", "\\", "\0")):
      raise ValueError(f"suffix must be a part of a file's name, got {self.suffix!r}.")
    choices.check_strength(self.strength)
    if self.quality:
      # Here, since --help can do without NumPy.
      from deblock.records.jpeg import tables as jpeg_tables

      jpeg_tables.check_quality(self.quality)
    if self.depth not in DEPTHS:
      raise ValueError(f"depth must be 8 or 16, got {self.depth}.")
    if self.depth == 16 and not formats.FORMATS[self.format].keeps_16_bits:
      raise ValueError(f"depth must be 8 with format {self.format}, which has no more, got 16.")
    if self.metadata not in METADATA:
      raise ValueError(f"metadata must be one of {', '.join(METADATA)}, got {self.metadata!r}.")
    if self.max_memory < _LEAST_MEMORY:
      raise ValueError(f"max_memory must be at least {_LEAST_MEMORY} MiB, got {self.max_memory}.")
    if not 0 < self.max_megapixels <= _MOST_MEGAPIXELS:
      raise ValueError(
        f"max_megapixels must be in (0, {_MOST_MEGAPIXELS:g}], got {self.max_megapixels:g}."
      )
