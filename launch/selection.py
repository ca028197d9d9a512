"""Which run and which images evaluate and compare work on."""

from collections.abc import Iterator, Sequence
import dataclasses
import pathlib
from typing import NamedTuple

import numpy as np

from deblock.launch import checkpoints, config, trained
from deblock.model import pretrained, restorer
from deblock.pipeline import config as input_config
from deblock.pipeline import dataset
from deblock.records import codec, cutting, identity, jpeg_tables, option, sources
from deblock.records import config as records_config
from deblock.records import images as images_lib
from deblock.records import manifest as manifest_lib


@dataclasses.dataclass(frozen=True)
class SelectionConfig:
  """The flags that evaluate and compare share."""

  logdir: str = option.field("", "folder of the run whose latest checkpoint is used")
  model: str = option.field(
    "", "network that ships with deblock, in place of a run's: default or fast"
  )
  weights: str = option.field(
    "auto", "of a run: auto, its averaged ones if it has any; raw, the last ones; averaged"
  )
  images: str = option.field("", "folder or glob of clean images; the run's held-out ones if empty")
  records: str = option.field(
    "", "records whose held-out images or qualities are used, if not the run's"
  )
  qualities: tuple[int, ...] = option.field((), "JPEG qualities; those of the records if empty")
  subsampling: str = option.field("420", "of the JPEG's colours: 444, 422 or 420")
  faithful: bool = option.field(
    False, "keep the coefficients of the JPEGs, as deblock-restore does"
  )
  output: str = option.field("", "folder to write to")

  def __post_init__(self):
    """Raises ValueError where a field is missing or out of range."""
    if not self.output:
      raise ValueError("output must name a folder: use --output=DIR.")
    if bool(self.logdir) == bool(self.model):
      raise ValueError(
        "logdir must name a folder of a run, --logdir=DIR, or model a network that ships with "
        f"deblock, --model={pretrained.names()[0]}: one of the two, got {self.logdir!r} and "
        f"{self.model!r}."
      )
    if self.weights not in checkpoints.WEIGHTS:
      raise ValueError(
        f"weights must be one of {', '.join(checkpoints.WEIGHTS)}, got {self.weights!r}."
      )
    if self.model and self.weights != checkpoints.AUTO:
      raise ValueError(
        f"weights goes with logdir: {self.model} ships with one kind, got {self.weights!r}."
      )
    if self.model:
      pretrained.check_name(self.model)
      if not ((self.images and self.qualities) or self.records):
        raise ValueError(
          f"model {self.model} has no records of its own: name --images and --qualities, or "
          "--records, too."
        )
    for quality in self.qualities:
      try:
        jpeg_tables.check_quality(quality)
      except ValueError:
        raise ValueError(f"qualities must be in [1, 100], got {quality}.") from None
    codec.check_subsampling(self.subsampling)


def prepare_output(folder: str) -> pathlib.Path:
  """Creates the folder to write to, before any work is done for it.

  Raises:
    OSError: if it cannot be written.
  """
  path = pathlib.Path(folder)
  try:
    path.mkdir(parents=True, exist_ok=True)
  except OSError as error:
    raise OSError(
      f"output {folder} cannot be written: {error.strerror}. Choose another --output."
    ) from error
  return path


def load_restorer(settings: SelectionConfig) -> restorer.Restorer:
  """Returns the network to use, ready for whole images: of a run its latest checkpoint's.

  Raises:
    FileNotFoundError: if there is no run or no checkpoint.
    ValueError: if they do not fit each other, or the shipped weights are damaged.
  """
  return trained.load(settings.model, settings.logdir, weights=settings.weights)


class Chosen(NamedTuple):
  """Images to work on.

  Attributes:
    source: that they are read from.
    images: the images.
    jpeg_downscale: factor by which those that were JPEGs are shrunk, as in the records.
  """

  source: sources.Source
  images: tuple[identity.SourceImage, ...]
  jpeg_downscale: float


def choose(settings: SelectionConfig) -> tuple[Chosen, Sequence[int]]:
  """Returns the images to work on, and the qualities.

  Raises:
    FileNotFoundError: if there are no images, run or records.
    ValueError: if the records hold no test images.
  """
  if settings.model:
    inputs = input_config.InputConfig(records=settings.records)
  else:
    inputs = config.load(settings.logdir).input
  records = settings.records or inputs.records
  damaged = inputs.on_bad_record == "skip"
  if settings.images:
    source = sources.open_source(images=settings.images)
    qualities = settings.qualities or manifest_lib.load(records, damaged=damaged).qualities
    return Chosen(source, source.list(), jpeg_downscale=1), qualities
  manifest = manifest_lib.load(records, damaged=damaged)
  held_out = dataset.held_out_images(inputs, manifest)
  images = tuple(
    identity.SourceImage.alone(image.id, image.path)
    for image in manifest.images
    if image.id in held_out
  )
  if not images:
    raise ValueError(f"{records} has no test images: name some with --images=FOLDER.")
  options = {name: manifest.settings[name] for name in records_config.SOURCE_FIELDS}
  chosen = Chosen(sources.open_source(**options), images, manifest.settings["jpeg_downscale"])
  return chosen, settings.qualities or manifest.qualities


def read(chosen: Chosen) -> Iterator[tuple[str, np.ndarray]]:
  """Yields each image's identity and pixels, uint8 [H, W, 3].

  Raises:
    ImageError: naming the first file that cannot be read. A mean over fewer images than were asked
      for would be another figure, so none is left out.
  """
  for image, found in chosen.source.read(chosen.images):
    if isinstance(found, images_lib.ImageError):
      raise found
    yield image.id, cutting.shrink(found, chosen.jpeg_downscale)
