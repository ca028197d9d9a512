"""The work on one file of a set, around what a program makes of the image.

Reading within the memory that may be taken, skipping what is finished, writing, and saying what
became of it, whatever goes wrong.
"""

from collections.abc import Callable, Mapping
import os
import time
from typing import Any, NamedTuple

from absl import logging

from deblock.launch.file_sets import outcomes, outputs
from deblock.records import harmless
from deblock.records.jpeg import scans as jpeg_scans
from deblock.records.photos import metadata as metadata_lib
from deblock.records.photos import reading

MIB = 2**20
# Copies of metadata while they are read, changed and written (7.7 at most, comments of a JPEG and
# EXIF), and of what lies behind a JPEG's image, with the file 2.7.
_METADATA_COPIES, _BEHIND_COPIES = 8, 2


class Limits(NamedTuple):
  """What one file may take.

  Attributes:
    max_memory: MiB, the value of the flag.
    max_megapixels: the value of the flag.
    window_bytes: that the work on one tile takes.
    image_bytes: from the width and the height of an image, whether it is a JPEG and the length of
      its file to what the work on it takes, in bytes, without the window and metadata.
  """

  max_memory: int
  max_megapixels: float
  window_bytes: int
  image_bytes: Callable[[int, int, bool, int], int]

  @property
  def most_pixels(self) -> int:
    """Pixels of the largest image."""
    return int(self.max_megapixels * 1e6)


class Made(NamedTuple):
  """What a program made of a file.

  Attributes:
    data: of the result.
    pixels: of the image.
    condition: what is known of the input's compression.
    notes: what could not be done or kept, a clause each.
    facts: for the report.
  """

  data: bytes
  pixels: int
  condition: str
  notes: tuple[str, ...]
  facts: Mapping[str, Any]


def outcome_of(
  job: outputs.Job,
  make: Callable[[bytes], Made],
  done: str,
  limits: Limits,
  settings: Mapping[str, Any],
  overwrite: bool,
  keep_times: bool,
) -> outcomes.Outcome:
  """Makes something of a file and writes the result; returns what became of it.

  Args:
    job: what to work on, and where to write.
    make: from the bytes of the file to what becomes of it. Its ImageError, OSError, ValueError and
      MemoryError are reasons to fail.
    done: status of a file with which that succeeds.
    limits: what it may take.
    settings: every setting that a result depends on; JSON must hold it.
    overwrite: whether finished files are made again, and any file in the result's place replaced.
    keep_times: whether the result gets the times of its input.
  """
  began = time.monotonic()
  try:
    outcome = _one(job, make, done, limits, settings, overwrite)
    if keep_times and outcome.status == done:
      outputs.keep_times(job)
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


def _one(job, make, done, limits, settings, overwrite):
  data = _read(job.path, limits)
  digest = outputs.digest(data)
  replace = overwrite or os.path.lexists(job.target)
  if not overwrite and outputs.is_finished(job, digest, settings):
    return outcomes.Outcome(
      job.path, outcomes.SKIPPED, 0, f"{job.target} is finished", str(job.target)
    )
  check_memory(job.path, data, limits)
  made = make(data)
  try:
    outputs.write(job, made.data, digest, settings, replace)
  except FileExistsError:
    raise
  except OSError as error:
    raise OSError(f"{job.target} cannot be written: {error.strerror or error}") from error
  detail = "; ".join((f"{job.target}: {made.condition}", *made.notes))
  return outcomes.Outcome(
    *(job.path, done, made.pixels, detail, str(job.target), made.condition, made.notes),
    facts=dict(made.facts),
  )


def _read(path, limits):
  """Returns the bytes of a file; raises ImageError if they alone take more memory than they may."""
  try:
    return reading.read_bytes(path, limits.max_memory * MIB - limits.window_bytes)
  except reading.FileTooLargeError as error:
    reason = f"{error.reason} for a file with --max_memory={limits.max_memory}"
    raise reading.ImageError(path, reason) from error


def check_memory(path: str, data: bytes, limits: Limits) -> None:
  """Checks by its header that an image takes no more memory than it may.

  Raises:
    ImageError: if it would take more, or the header cannot be read.
  """
  with reading.opened(data, path, limits.most_pixels) as picture:
    width, height = picture.size
    is_jpeg = reading.format_name(picture) == "JPEG"
    metadata_bytes = metadata_lib.size_bytes(picture, data)
  needed = limits.image_bytes(width, height, is_jpeg, len(data)) + limits.window_bytes
  behind_bytes = len(data) - jpeg_scans.end(data) if is_jpeg and jpeg_scans.end(data) > 0 else 0
  needed += _METADATA_COPIES * metadata_bytes + _BEHIND_COPIES * behind_bytes
  if needed > limits.max_memory * MIB:
    metadata = f" and {metadata_bytes} bytes of metadata" if metadata_bytes > MIB else ""
    raise reading.ImageError(
      path,
      f"needs {-(-needed // MIB)} MiB for {width}x{height} pixels{metadata}, more than "
      f"--max_memory={limits.max_memory}",
    )
