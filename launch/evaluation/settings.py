"""What deblock-evaluate and deblock-compare measure, as a value."""

import dataclasses

from deblock.launch.evaluation import baselines, measures, protocol
from deblock.launch.restoring import choices
from deblock.launch.run_folder import checkpoint_folder
from deblock.model import pretrained_files
from deblock.records import option
from deblock.records.jpeg import tables as jpeg_tables


@dataclasses.dataclass(frozen=True)
class SelectionConfig(protocol.ProtocolConfig):
  """The flags that evaluate and compare share."""

  logdir: tuple[str, ...] = option.field((), "folders of runs to measure")
  checkpoint: str = option.field("", checkpoint_folder.WHICH_HELP)
  model: tuple[str, ...] = option.field(
    (),
    "pretrained networks, default and fast, FILE.onnx of deblock-export, and baselines: identity, "
    "bilateral, nlmeans, reencodings, tv",
  )
  weights: str = option.field(checkpoint_folder.AUTO, checkpoint_folder.KIND_HELP)
  self_ensemble: bool = option.field(
    False, "restore each image in eight positions and take the mean; baselines do not"
  )
  images: str = option.field("", "folder or glob of clean images; if empty, the run's test images")
  records: str = option.field(
    "", "records whose test images and qualities are used; if empty, the run's"
  )
  qualities: tuple[int, ...] = option.field((), "JPEG qualities; if empty, those of the records")
  output: str = option.field(
    "", "folder to write to; deblock-evaluate only prints its table if empty"
  )

  def __post_init__(self):
    """Raises ValueError where a field is missing or out of range."""
    super().__post_init__()
    if not self.logdir and not self.model:
      raise ValueError(
        "logdir must name a folder of a run, --logdir=DIR, or model a pretrained network or a "
        f"baseline, --model={model_names()[0]}: got neither."
      )
    for field in ("logdir", "model"):
      names = getattr(self, field)
      if len(set(names)) < len(names):
        raise ValueError(f"{field} must name each once, got {','.join(names)}.")
    for name in self.model:
      check_model(name)
    if not self.logdir and not ((self.images and self.qualities) or self.records):
      raise ValueError(
        f"model {','.join(self.model)} has no records of its own: name --images and --qualities, "
        "or --records, too."
      )
    checkpoint_folder.check_which(self.checkpoint, ",".join(self.logdir))
    checkpoint_folder.check_kind(self.weights, ",".join(self.logdir))
    for quality in self.qualities:
      jpeg_tables.check_quality(quality, "each of qualities")


@dataclasses.dataclass(frozen=True)
class EvaluateConfig(SelectionConfig):
  """The flags of deblock-evaluate."""

  metrics: tuple[str, ...] = option.field(
    measures.USUAL, f"figures to print, psnr among them: {', '.join(measures.MEASURES)}"
  )

  def __post_init__(self):
    """Raises ValueError where a field is missing or out of range."""
    super().__post_init__()
    measures.check(self.metrics)


def model_names() -> tuple[str, ...]:
  """Returns the names of all pretrained networks and baselines, networks first."""
  return (*pretrained_files.names(), *baselines.NAMES)


def check_model(name: str) -> str:
  """Returns the name of a pretrained network, an exported one or a baseline after checking it.

  Raises:
    ValueError: if it is neither one of `model_names` nor a path that ends with .onnx.
  """
  if choices.is_path(name):
    return name
  return pretrained_files.check_name(name, model_names(), " or FILE.onnx")
