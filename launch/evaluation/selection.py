"""The methods and images that deblock-evaluate and deblock-compare work on."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from deblock.launch.evaluation import methods
from deblock.launch.evaluation import settings as settings_lib
from deblock.launch.run_folder import run_file
from deblock.pipeline import config as input_config
from deblock.pipeline import held_out as held_out_lib
from deblock.records import harmless
from deblock.records.layout import manifest as manifest_lib
from deblock.records.photos import reading
from deblock.records.planning import config as records_config
from deblock.records.planning import cutting
from deblock.records.sources import opening, source_image

_MOST_NAMED = 5


def load_methods(settings: settings_lib.SelectionConfig) -> list[methods.Method]:
  """Returns the methods, networks of runs first.

  Raises:
    FileNotFoundError: if there is no run or no checkpoint.
    ValueError: if a checkpoint does not fit its network, or pretrained weights are damaged.
  """
  return methods.load(
    settings.model,
    settings.logdir,
    settings.subsampling,
    settings.checkpoint,
    settings.weights,
    settings.self_ensemble,
  )


class Chosen(NamedTuple):
  """Images to work on.

  Attributes:
    source: reads them.
    images: the images.
    jpeg_downscale: factor by which JPEGs among them are shrunk, as in the records.
  """

  source: opening.Source
  images: tuple[source_image.SourceImage, ...]
  jpeg_downscale: float


def choose(settings: settings_lib.SelectionConfig) -> tuple[Chosen, Sequence[int]]:
  """Returns the images to work on, and the qualities.

  Raises:
    FileNotFoundError: if there are no images, run or records.
    ValueError: if the records hold no test images, or the runs hold out different images.
  """
  runs = [run_file.load(logdir).input for logdir in settings.logdir]
  inputs = runs[0] if runs else input_config.InputConfig(records=settings.records)
  records = settings.records or inputs.records
  damaged = inputs.on_bad_record == "skip"
  if settings.images:
    source = opening.open_source(images=settings.images)
    qualities = settings.qualities or manifest_lib.load(records, damaged=damaged).qualities
    return Chosen(source, source.list(), jpeg_downscale=1), qualities
  manifest = manifest_lib.load(records, damaged=damaged)
  held_out = held_out_lib.images(inputs, manifest)
  for logdir, other in zip(settings.logdir[1:], runs[1:], strict=True):
    _check_same_images(settings, logdir, other, records, held_out)
  images = tuple(
    source_image.SourceImage.alone(image.id, image.path)
    for image in manifest.images
    if image.id in held_out
  )
  if not images:
    raise ValueError(f"{records} has no test images: name some with --images=FOLDER.")
  # Records without drawn images have no settings for them.
  fields = [name for name in records_config.SOURCE_FIELDS if name in manifest.settings]
  options = {name: manifest.settings[name] for name in fields}
  chosen = Chosen(opening.open_source(**options), images, manifest.settings["jpeg_downscale"])
  return chosen, settings.qualities or manifest.qualities


def read(chosen: Chosen) -> Iterator[tuple[str, np.ndarray]]:
  """Yields each image's identity and pixels, uint8 [H, W, 3].

  Raises:
    ImageError: for the first file that cannot be read. It is not skipped: a mean over fewer images
      is another figure.
  """
  for image, found in chosen.source.read(chosen.images):
    if isinstance(found, reading.ImageError):
      raise found
    yield image.id, cutting.shrink(found, chosen.jpeg_downscale)


def check(chosen: Chosen, settings: settings_lib.SelectionConfig, smallest_side: int) -> list[str]:
  """Reads every image once, before any work, and returns a line for each of a single colour.

  Args:
    chosen: the images.
    settings: how they will be compressed.
    smallest_side: pixels that the metrics need on each side.
  Raises:
    ValueError: naming the images that cannot be read or are too small.
  """
  unusable, notes = [], []
  cut = settings.double_shift if settings.double_quality else 0
  for image, found in chosen.source.read(chosen.images):
    if isinstance(found, reading.ImageError):
      unusable.append(str(found))
      continue
    clean = cutting.shrink(found, chosen.jpeg_downscale)
    height, width = clean.shape[:2]
    if min(height, width) - cut < smallest_side:
      behind = f" before {cut} rows and columns are cut off" if cut else ""
      unusable.append(
        f"{harmless.utf8(image.path)}: {height}x{width} pixels{behind}, the metrics need "
        f"{smallest_side}x{smallest_side}"
      )
    elif (clean == clean[0, 0]).all():
      notes.append(
        f"{harmless.utf8(image.path)} has one colour only: where its JPEG equals it, the means in "
        "dB leave it out"
      )
  if unusable:
    count = len(unusable)
    listed = "; ".join(unusable[:_MOST_NAMED])
    more = f"; and {count - _MOST_NAMED} more" if count > _MOST_NAMED else ""
    raise ValueError(f"{count} of {len(chosen.images)} images cannot be measured: {listed}{more}.")
  return notes


def _check_same_images(settings, logdir, inputs, records, held_out):
  """Raises ValueError if a run may have trained on images that another run held out."""
  own = settings.records or inputs.records
  damaged = inputs.on_bad_record == "skip"
  if own == records:
    held_out_too = held_out_lib.images(inputs, manifest_lib.load(own, damaged=damaged))
    if held_out_too == held_out:
      return
  raise ValueError(
    f"logdir {settings.logdir[0]} and {logdir} hold out different images: name "
    "--images=FOLDER with images that neither was trained on."
  )
