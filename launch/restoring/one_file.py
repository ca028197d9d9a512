"""Restores one file of a set and writes the result; says what became of it, whatever goes wrong.

Here or, for `runner.Apart`, in the process that `serve` makes of this one.
"""

from collections.abc import Callable
import functools
import pathlib
from typing import Any

import numpy as np

from deblock.launch.file_sets import outputs, result, runner
from deblock.launch.restoring import batch, choices, photograph, restore_config
from deblock.launch.restoring import network as network_lib
from deblock.model import tiling
from deblock.records.jpeg import coefficients as jpeg_coefficients
from deblock.records.photos import metadata as metadata_lib
from deblock.records.photos import original, saving

# Of an image that is decoded, restored, turned and encoded, by the format: measured, and a margin.
_IMAGE_BYTES_PER_PIXEL = {"png": 14, "tiff": 16, "jpg": 20, "webp": 40}
_DEEP_BYTES_PER_PIXEL = 8  # What 16 bits take besides.
# While jpeglib reads coefficients in 4:4:4: 3 decoded, and 6 in libjpeg's and in jpeglib's arrays
# each. There are three copies of the file then, but no tile. Later the coefficients take 6: with
# the decoded image and the result, 12. A slow test measures it.
_READING_BYTES_PER_PIXEL, _COPIES = 15, 3
# The share of --max_memory that the work on one tile may take; the rest is the image's.
_WINDOW_SHARE = 4


def window_bytes(max_memory: int) -> int:
  """Returns what the work on one tile may take, of so many MiB in all."""
  return max_memory * result.MIB // _WINDOW_SHARE


def load(config: restore_config.RestoreConfig, log: Callable[[str], None]) -> runner.Do:
  """Returns the work on one file that a configuration asks for, and logs what it lacks.

  Raises:
    FileNotFoundError: as `network.load`.
    ValueError: the same.
  """
  if config.faithful and (reason := jpeg_coefficients.missing()):
    log(f"every file is restored freely: {reason}")
  network = network_lib.load(
    config.model, window_bytes(config.max_memory), config.self_ensemble, config.device, log
  )
  return work(network, config)


def work(network: tiling.Tiled, config: restore_config.RestoreConfig) -> runner.Do:
  """Returns the work on one file with a network."""
  limits, settings = limits_of(config), result_settings(config)

  def do(job, on_pixels):
    make = functools.partial(
      _made, path=job.path, network=network, config=config, on_pixels=on_pixels
    )
    return result.outcome_of(
      job, make, batch.RESTORED, limits, settings, config.overwrite, config.keep_times
    )

  return do


def result_settings(config: restore_config.RestoreConfig) -> dict[str, Any]:
  """Returns every setting that a result depends on, as its folder's list keeps them."""
  path = pathlib.Path(choices.path_of(config.model))
  names = ("format", "depth", "faithful", "self_ensemble", "strength", "quality", "metadata")
  settings = {name: getattr(config, name) for name in names}
  # Wherever it lies: a network of the same name can have been trained further.
  return {"network": outputs.digest(path.read_bytes()), **settings}


def limits_of(config: restore_config.RestoreConfig) -> result.Limits:
  """Returns what restoring one file may take."""
  deep = _DEEP_BYTES_PER_PIXEL * (config.depth == 16)
  each = _IMAGE_BYTES_PER_PIXEL[config.format] + deep
  reads = config.faithful or bool(config.report)
  window = window_bytes(config.max_memory)

  def image_bytes(width, height, is_jpeg, file_bytes):
    needed = width * height * each + file_bytes
    if is_jpeg and reads:
      # There is no tile yet.
      reading_takes = width * height * (_READING_BYTES_PER_PIXEL + deep) + _COPIES * file_bytes
      needed = max(needed, reading_takes - window)
    return needed

  return result.Limits(config.max_memory, config.max_megapixels, window, image_bytes)


def _made(data, path, network, config, on_pixels):
  """Returns what restoring makes of the bytes of a file."""
  found = original.decode(data, path, int(config.max_megapixels * 1e6))
  on_pixels(0)
  made = photograph.restore_original(
    found,
    network,
    config.quality,
    config.strength,
    on_pixels,
    config.faithful,
    config.depth,
    shares=bool(config.report),
  )
  height, width = found.samples.shape[:2]
  keep = config.metadata == "keep"
  condition, copied = made.condition.source, None
  if made.samples.dtype == found.samples.dtype and np.array_equal(made.samples, found.samples):
    copied = saving.copied(data, found, config.format, keep)
  facts = {
    "share_of_blocks_kept_close": made.kept_close,
    "share_of_coefficients_given_back": made.given_back,
  }
  if copied is not None:
    notes = (*made.notes, "the input's bytes are copied")
    if original.NO_END in found.notes:
      notes = (*notes, f"{original.NO_END}, and added")
    return result.Made(copied, height * width, condition, notes, facts)
  upright = original.upright(made.samples, found.orientation)
  alpha = None if found.alpha is None else original.upright(found.alpha, found.orientation)
  metadata = found.metadata if keep else metadata_lib.Metadata()
  steps = saving.finest(made.condition.tables, found.header)
  notes = (*made.notes, *found.notes)
  # Before encoding, which needs the most memory.
  del found, made
  encoded, left_out = saving.encode(upright, alpha, metadata, config.format, steps)
  return result.Made(encoded, height * width, condition, (*notes, *left_out), facts)


def serve() -> None:
  """Answers the requests of `runner.Apart` until they end."""
  runner.serve(restore_config.RestoreConfig, load)
