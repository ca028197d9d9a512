"""What the export programs write, as values."""

import dataclasses
import pathlib

from deblock.launch.restoring import choices
from deblock.launch.run_folder import checkpoint_folder
from deblock.model import pretrained_files
from deblock.records import option

PRECISIONS = ("float32", "mixed_bfloat16")
ONNX, SAVED_MODEL, LITERT = FORMATS = ("onnx", "savedmodel", "litert")
_SUFFIXES = {choices.NETWORK_SUFFIX: ONNX, ".tflite": LITERT}


@dataclasses.dataclass(frozen=True)
class ExportConfig:
  """What to export, and where to."""

  logdir: str = option.field("", "folder of the run whose network is exported")
  model: str = option.field("", "pretrained weights to export in place of a run's, such as default")
  checkpoint: str = option.field("", checkpoint_folder.WHICH_HELP)
  weights: str = option.field(checkpoint_folder.AUTO, checkpoint_folder.KIND_HELP)
  output: str = option.field("", "FILE.onnx, FILE.tflite, or a folder for --format=savedmodel")
  format: str = option.field("", "onnx, savedmodel or litert; if empty, by the suffix of --output")

  def __post_init__(self):
    """Raises ValueError where a field is missing or out of range."""
    if bool(self.logdir) == bool(self.model):
      raise ValueError("logdir or model must be named: use --logdir=RUN, or --model=NAME.")
    if self.model:
      pretrained_files.check_name(self.model)
    if not self.output:
      raise ValueError("output is missing: use --output=FILE.onnx.")
    if self.format not in ("", *FORMATS):
      raise ValueError(f"format must be one of {', '.join(FORMATS)}, got {self.format!r}.")
    suffix = pathlib.Path(self.output).suffix
    if not self.format and suffix not in _SUFFIXES:
      raise ValueError(
        f"output must end with {' or '.join(_SUFFIXES)}, or use --format, got {self.output!r}."
      )
    if self.format == ONNX and suffix != choices.NETWORK_SUFFIX:
      raise ValueError(f"output must end with {choices.NETWORK_SUFFIX}, got {self.output!r}.")
    checkpoint_folder.check_which(self.checkpoint, self.logdir)
    checkpoint_folder.check_kind(self.weights, self.logdir)

  @property
  def kind(self) -> str:
    """The format to write, one of `FORMATS`."""
    return self.format or _SUFFIXES[pathlib.Path(self.output).suffix]


@dataclasses.dataclass(frozen=True)
class WeightsConfig:
  """Which weights to write, and where to."""

  logdir: str = option.field("", "folder of the run whose weights are written")
  checkpoint: str = option.field("", checkpoint_folder.WHICH_HELP)
  weights: str = option.field(checkpoint_folder.AUTO, checkpoint_folder.KIND_HELP)
  name: str = option.field("", "name of the weights, such as default")
  output: str = option.field("", "folder for NAME.npz, NAME.onnx and the line of weights.json")

  def __post_init__(self):
    """Raises ValueError where a field is missing or out of range."""
    for field in ("logdir", "name", "output"):
      if not getattr(self, field):
        raise ValueError(f"{field} is missing: use --{field}=.")
    if not self.name.isidentifier():
      raise ValueError(f"name must be a word of letters, digits and _, got {self.name!r}.")
    checkpoint_folder.check_which(self.checkpoint, self.logdir)
    checkpoint_folder.check_kind(self.weights, self.logdir)


@dataclasses.dataclass(frozen=True)
class Layout:
  """The kinds of a step's crops, by their places in the batch; all shapes are static for XLA.

  Attributes:
    crop_size: side in pixels, a multiple of 8.
    batch_size: crops in a step.
    full_chroma: crops before the last group that are compressed 4:4:4, the others 4:2:0.
    twice: crops at the end that are JPEGs of shifted JPEGs.
  """

  crop_size: int
  batch_size: int
  full_chroma: int
  twice: int

  def __post_init__(self):
    """Raises ValueError where a number is out of range."""
    if self.crop_size <= 0 or self.crop_size % 8:
      raise ValueError(f"crop_size must be a positive multiple of 8, got {self.crop_size}.")
    if min(self.full_chroma, self.twice) < 1 or self.full_chroma + self.twice >= self.batch_size:
      raise ValueError(
        "full_chroma and twice must be at least 1, and together less than batch_size, got "
        f"{self.full_chroma}, {self.twice} and {self.batch_size}."
      )


@dataclasses.dataclass(frozen=True)
class StepConfig:
  """What to export."""

  output: str = option.field("", "folder to write to")
  crop_size: int = option.field(128, "side of a crop in pixels")
  batch_size: int = option.field(32, "crops in a step")
  full_chroma: int = option.field(4, "crops of a step that are compressed 4:4:4")
  twice: int = option.field(5, "crops of a step that are JPEGs of shifted JPEGs")
  precision: str = option.field("mixed_bfloat16", "of the network: float32 or mixed_bfloat16")
  seed: int = option.field(1, "of the initial weights")
  init_from: str = option.field("", "pretrained weights to start from, such as default")
  late_crop_size: int = option.field(
    0, "side of the crops at the end of a run, as many pixels a step; 0 for the same crops"
  )
  images: str = option.field(
    "", "folder of WebP and PNG images to pack with the programs, for a machine that has none"
  )
  images_mib: int = option.field(40, "size that the packed images may have, in MiB")

  def __post_init__(self):
    """Raises ValueError where a field is missing or out of range."""
    if not self.output:
      raise ValueError("output must name a folder: use --output=DIR.")
    if self.init_from:
      pretrained_files.check_name(self.init_from)
    if self.images_mib < 1:
      raise ValueError(f"images_mib must be at least 1, got {self.images_mib}.")
    if self.precision not in PRECISIONS:
      raise ValueError(f"precision must be one of {', '.join(PRECISIONS)}, got {self.precision!r}.")
    self.layouts()

  def layouts(self) -> tuple[Layout, ...]:
    """Returns what the crops of a step are, and what they are at the end, if they change."""
    layout = Layout(self.crop_size, self.batch_size, self.full_chroma, self.twice)
    if not self.late_crop_size:
      return (layout,)
    share = (self.crop_size / self.late_crop_size) ** 2
    # At least one crop of each kind.
    full_chroma, twice = (max(1, round(share * n)) for n in (self.full_chroma, self.twice))
    batch_size = max(full_chroma + twice + 1, round(share * self.batch_size))
    return layout, Layout(self.late_crop_size, batch_size, full_chroma, twice)
