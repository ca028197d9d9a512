"""Restores one file of a set and writes the result; says what became of it, whatever goes wrong.

Here or, for `batch.Apart`, in the process that `serve` makes of this one.
"""

from collections.abc import Callable, Mapping
import gc
import os
import pathlib
import time
from typing import Any

from absl import logging
import numpy as np

from deblock.launch.restoring import choices, outcomes, outputs, photograph, restore_config
from deblock.launch.restoring import network as network_lib
from deblock.model import tiling
from deblock.records import harmless, worker_process
from deblock.records.jpeg import coefficients as jpeg_coefficients
from deblock.records.jpeg import scans as jpeg_scans
from deblock.records.photos import metadata as metadata_lib
from deblock.records.photos import original, reading, saving

# Of an image that is decoded, restored, turned and encoded, by the format: measured, and a margin.
_IMAGE_BYTES_PER_PIXEL = {"png": 14, "tiff": 16, "jpg": 20, "webp": 40}
_DEEP_BYTES_PER_PIXEL = 8  # What 16 bits take besides.
# While jpeglib reads coefficients in 4:4:4: 3 decoded, and 6 in libjpeg's and in jpeglib's arrays
# each. There are three copies of the file then, but no tile. Later the coefficients take 6: with
# the decoded image and the result, 12. A slow test measures it.
_READING_BYTES_PER_PIXEL, _COPIES = 15, 3
# Copies of metadata while they are read, changed and written (7.7 at most, comments of a JPEG and
# EXIF), and of what lies behind a JPEG's image, with the file 2.7.
_METADATA_COPIES, _BEHIND_COPIES = 8, 2
# The share of --max_memory that the work on one tile may take; the rest is the image's.
_WINDOW_SHARE = 4
_MIB = 2**20


def window_bytes(config: restore_config.RestoreConfig) -> int:
  """Returns what the work on one tile may take."""
  return config.max_memory * _MIB // _WINDOW_SHARE


def load(config: restore_config.RestoreConfig, log: Callable[[str], None]) -> tiling.Tiled:
  """Returns the network that a configuration asks for, and logs what it lacks.

  Raises:
    FileNotFoundError: as `network.load`.
    ValueError: the same.
  """
  if config.faithful and (reason := jpeg_coefficients.missing()):
    log(f"every file is restored freely: {reason}")
  return network_lib.load(
    config.model, window_bytes(config), config.self_ensemble, config.device, log
  )


def result_settings(config: restore_config.RestoreConfig) -> dict[str, Any]:
  """Returns every setting that a result depends on, as its folder's list keeps them."""
  path = pathlib.Path(choices.path_of(config.model))
  names = ("format", "depth", "faithful", "self_ensemble", "strength", "quality", "metadata")
  settings = {name: getattr(config, name) for name in names}
  # Wherever it lies: a network of the same name can have been trained further.
  return {"network": outputs.digest(path.read_bytes()), **settings}


def outcome_of(
  job: outputs.Job,
  network: tiling.Tiled,
  config: restore_config.RestoreConfig,
  settings: Mapping[str, Any],
  on_pixels: Callable[[int], None],
) -> outcomes.Outcome:
  """Restores a file and writes the result; returns what became of it, whatever goes wrong.

  Args:
    job: what to restore, and where to.
    network: to restore with.
    config: how.
    settings: the `result_settings` of that.
    on_pixels: called with numbers of pixels as they are restored, and with 0 once it is decoded.
  """
  began = time.monotonic()
  try:
    outcome = _one(job, network, config, settings, on_pixels)
  except reading.ImageError as error:
    outcome = outcomes.Outcome(job.path, outcomes.FAILED, 0, error.reason)
  except MemoryError:
    outcome = outcomes.Outcome(job.path, outcomes.FAILED, 0, "there is not enough memory for it")
  except (OSError, ValueError) as error:
    outcome = outcomes.Outcome(job.path, outcomes.FAILED, 0, str(error))
  except Exception as error:
    # A fault of this program or of a library that one file reveals must not stop the others.
    logging.debug("%s failed", job.path, exc_info=True)
    reason = f"unexpected {type(error).__name__}: {error}; please report it"
    outcome = outcomes.Outcome(job.path, outcomes.FAILED, 0, reason)
  return outcome._replace(detail=harmless.utf8(outcome.detail), seconds=time.monotonic() - began)


def _one(job, network, config, settings: Mapping[str, Any], on_pixels):
  data = _read(job.path, config)
  digest = outputs.digest(data)
  replace = config.overwrite or os.path.lexists(job.target)
  if not config.overwrite and outputs.is_finished(job, digest, settings):
    return outcomes.Outcome(
      job.path, outcomes.SKIPPED, 0, f"{job.target} is finished", str(job.target)
    )
  _check_memory(job.path, data, config)
  found = original.decode(data, job.path, int(config.max_megapixels * 1e6))
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
  kept_close, given_back = made.kept_close, made.given_back
  if copied is not None:
    encoded, notes = copied, (*made.notes, "the input's bytes are copied")
    if original.NO_END in found.notes:
      notes = (*notes, f"{original.NO_END}, and added")
  else:
    upright = original.upright(made.samples, found.orientation)
    alpha = None if found.alpha is None else original.upright(found.alpha, found.orientation)
    metadata = found.metadata if keep else metadata_lib.Metadata()
    steps = saving.finest(made.condition.tables, found.header)
    notes = (*made.notes, *found.notes)
    # Before encoding, which needs the most memory.
    del found, made
    encoded, left_out = saving.encode(upright, alpha, metadata, config.format, steps)
    notes = (*notes, *left_out)
  _write(job, encoded, digest, settings, replace)
  if config.keep_times:
    outputs.keep_times(job)
  detail = "; ".join((f"{job.target}: {condition}", *notes))
  return outcomes.Outcome(
    *(job.path, outcomes.RESTORED, height * width, detail, str(job.target), condition, notes),
    kept_close=kept_close,
    given_back=given_back,
  )


def _read(path, config):
  """Returns the bytes of a file; raises ImageError if they alone take more memory than they may."""
  try:
    return reading.read_bytes(path, config.max_memory * _MIB - window_bytes(config))
  except reading.FileTooLargeError as error:
    reason = f"{error.reason} for a file with --max_memory={config.max_memory}"
    raise reading.ImageError(path, reason) from error


def _check_memory(path, data, config):
  """Raises ImageError if an image would take more memory than it may, by its header."""
  most_pixels = int(config.max_megapixels * 1e6)
  with reading.opened(data, path, most_pixels) as picture:
    width, height = picture.size
    is_jpeg = reading.format_name(picture) == "JPEG"
    metadata_bytes = metadata_lib.size_bytes(picture, data)
  deep = _DEEP_BYTES_PER_PIXEL * (config.depth == 16)
  each = _IMAGE_BYTES_PER_PIXEL[config.format] + deep
  needed = width * height * each + len(data) + window_bytes(config)
  if is_jpeg and (config.faithful or config.report):
    reading_takes = width * height * (_READING_BYTES_PER_PIXEL + deep) + _COPIES * len(data)
    needed = max(needed, reading_takes)
  behind_bytes = len(data) - jpeg_scans.end(data) if is_jpeg and jpeg_scans.end(data) > 0 else 0
  needed += _METADATA_COPIES * metadata_bytes + _BEHIND_COPIES * behind_bytes
  if needed > config.max_memory * _MIB:
    metadata = f" and {metadata_bytes} bytes of metadata" if metadata_bytes > _MIB else ""
    raise reading.ImageError(
      path,
      f"needs {-(-needed // _MIB)} MiB for {width}x{height} pixels{metadata}, more than "
      f"--max_memory={config.max_memory}",
    )


def _write(job, data, digest, settings, replace):
  try:
    outputs.write(job, data, digest, settings, replace)
  except FileExistsError:
    raise
  except OSError as error:
    raise OSError(f"{job.target} cannot be written: {error.strerror or error}") from error


def serve() -> None:
  """Answers requests until they end: {"config": ...}, and then {"size": ...} or a job's fields."""
  # As in `launch.restore`.
  gc.set_threshold(50_000)
  given: dict[str, Any] = {}

  def answer_to(request, send):
    if "config" in request:
      return prepare(restore_config.RestoreConfig(**request["config"]), send)
    if "size" in request:
      return {"size": outputs.pixels(request["size"])}
    job = outputs.Job(request["path"], pathlib.Path(request["target"]))
    return {"outcome": outcome_of(job, on_pixels=lambda count: send(count=count), **given)}

  def prepare(config, send):
    try:
      network = load(config, lambda line: send(log=line))
      given.update(network=network, config=config, settings=result_settings(config))
    except (OSError, ValueError) as error:
      return {"error": str(error)}
    worker_process.limit_memory(config.max_memory * _MIB)
    return {}

  worker_process.serve(answer_to)
