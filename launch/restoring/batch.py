"""Restores a set of files, one by one; what goes wrong with one leaves the others alone."""

from collections.abc import Callable, Mapping, Sequence
import os
import pathlib
import time
from typing import Any

from absl import logging
import numpy as np
import tqdm

from deblock.launch.restoring import choices, outcomes, outputs, photograph, restore_config
from deblock.launch.restoring import network as network_lib
from deblock.model import tiling
from deblock.records import harmless
from deblock.records.jpeg import coefficients as jpeg_coefficients
from deblock.records.jpeg import scans as jpeg_scans
from deblock.records.layout import new_file
from deblock.records.photos import formats, original, reading, saving
from deblock.records.photos import metadata as metadata_lib

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


class Interrupted(KeyboardInterrupt):
  """Ctrl-C between the start and the end of a set of files.

  Attributes:
    made: what became of the files that are done.
    all_files: number of files there were to restore.
  """

  def __init__(self, made: Sequence[outcomes.Outcome], all_files: int):
    super().__init__(f"{len(made)} of {all_files} files are done")
    self.made = made
    self.all_files = all_files


def window_bytes(config: restore_config.RestoreConfig) -> int:
  """Returns what the work on one tile may take."""
  return config.max_memory * _MIB // _WINDOW_SHARE


def restore(
  patterns: Sequence[str],
  config: restore_config.RestoreConfig,
  log: Callable[[str], None] = lambda line: None,
  progress: Callable[[int], tqdm.tqdm] = lambda total: tqdm.tqdm(total=total, disable=True),
) -> list[outcomes.Outcome]:
  """Restores files, folders and globs.

  Args:
    patterns: as `outputs.plan` takes them.
    config: how, and where to.
    log: called with a line for each file, and for files that were passed over.
    progress: returns a bar for a number of pixels.
  Returns:
    What became of each file, and of each pattern that named none.
  Raises:
    Interrupted: by Ctrl-C; the file at hand is left out.
    ValueError: if there are no patterns, or the network is damaged.
    OSError: if the folder of the results cannot be made, or there is no run.
  """
  if not patterns:
    raise ValueError(
      "name what to restore, files, folders or globs: deblock-restore IN... --out=DIR."
    )
  _prepare(config.out)
  extension = formats.FORMATS[config.format].suffix
  planned = outputs.plan(patterns, config.out, config.suffix, extension, config.overwrite)
  made = [
    outcomes.Outcome(item.path, outcomes.FAILED, 0, harmless.utf8(item.reason))
    for item in planned.refused
  ]
  if planned.passed_over:
    log(harmless.printable(str(planned.passed_over)))
  if not planned.jobs:
    return made
  network = network_lib.load(
    config.model, window_bytes(config), config.self_ensemble, config.device, log
  )
  if config.faithful and (reason := jpeg_coefficients.missing()):
    log(f"every file is restored freely: {reason}")
  sizes = {job.path: outputs.pixels(job.path) for job in planned.jobs}
  total = sum(sizes.values())
  files = f"{len(planned.jobs)} files"
  with progress(total) as bar:
    bar.set_postfix_str(f"0/{files}", refresh=False)
    done = 0

    def count(pixels):
      bar.update(pixels)

    def show(outcome):
      nonlocal total, done
      done += 1
      bar.set_postfix_str(f"{done}/{files}", refresh=False)
      if outcome.status != outcomes.RESTORED:
        # The estimate of the time left counts only pixels that will be restored.
        total -= sizes[outcome.path]
        bar.total = max(bar.n, total)
      arrow = ":" if outcome.status == outcomes.FAILED else " ->"
      log(harmless.printable(f"{outcome.status}: {outcome.path}{arrow} {outcome.detail}"))

    return made + run(planned.jobs, network, config, count, show)


def run(
  jobs: Sequence[outputs.Job],
  network: tiling.Tiled,
  config: restore_config.RestoreConfig,
  on_pixels: Callable[[int], None] = lambda pixels: None,
  on_outcome: Callable[[outcomes.Outcome], None] = lambda outcome: None,
) -> list[outcomes.Outcome]:
  """Restores files and writes the results; returns what became of each, in their order.

  Args:
    jobs: what to restore, and where to.
    network: to restore with.
    config: how.
    on_pixels: called with numbers of pixels as they are restored.
    on_outcome: called after each file.
  Raises:
    Interrupted: by Ctrl-C; the file at hand is left out.
  """
  made: list[outcomes.Outcome] = []
  settings = result_settings(config)
  for job in jobs:
    began = time.monotonic()
    try:
      outcome = _one(job, network, config, settings, on_pixels)
    except reading.ImageError as error:
      outcome = outcomes.Outcome(job.path, outcomes.FAILED, 0, error.reason)
    except MemoryError:
      outcome = outcomes.Outcome(job.path, outcomes.FAILED, 0, "there is not enough memory for it")
    except (OSError, ValueError) as error:
      outcome = outcomes.Outcome(job.path, outcomes.FAILED, 0, str(error))
    except KeyboardInterrupt as error:
      raise Interrupted(made, len(jobs)) from error
    except Exception as error:
      # A fault of this program or of a library that one file reveals must not stop the others.
      logging.debug("%s failed", job.path, exc_info=True)
      reason = f"unexpected {type(error).__name__}: {error}; please report it"
      outcome = outcomes.Outcome(job.path, outcomes.FAILED, 0, reason)
    seconds = time.monotonic() - began
    outcome = outcome._replace(detail=harmless.utf8(outcome.detail), seconds=seconds)
    made.append(outcome)
    on_outcome(outcome)
  return made


def result_settings(config: restore_config.RestoreConfig) -> dict[str, Any]:
  """Returns every setting that a result depends on, as its folder's list keeps them."""
  path = pathlib.Path(choices.path_of(config.model))
  names = ("format", "depth", "faithful", "self_ensemble", "strength", "quality", "metadata")
  settings = {name: getattr(config, name) for name in names}
  # Wherever it lies: a network of the same name can have been trained further.
  return {"network": outputs.digest(path.read_bytes()), **settings}


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


def _prepare(folder):
  try:
    pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
  except OSError as error:
    raise _unwritable(folder, error.strerror) from error
  if not new_file.may_write(folder):
    raise _unwritable(folder, "Permission denied")


def _unwritable(folder, reason):
  return OSError(f"out {folder} cannot be written: {reason}. Choose another --out.")


def _write(job, data, digest, settings, replace):
  try:
    outputs.write(job, data, digest, settings, replace)
  except FileExistsError:
    raise
  except OSError as error:
    raise OSError(f"{job.target} cannot be written: {error.strerror or error}") from error
