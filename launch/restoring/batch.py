"""Restores a set of files, one by one; what goes wrong with one leaves the others alone."""

from collections.abc import Callable, Sequence
import pathlib
from typing import NamedTuple

from absl import logging
import tensorflow as tf

from deblock.launch import program
from deblock.launch.restoring import network as network_lib
from deblock.launch.restoring import outputs, photograph, restore_config
from deblock.model import tiling
from deblock.records import graph_errors
from deblock.records.photos import metadata as metadata_lib
from deblock.records.photos import original, reading, saving

RESTORED, SKIPPED, FAILED = "restored", "skipped", "failed"
# Of an image that is decoded, turned and encoded: measured.
_IMAGE_BYTES_PER_PIXEL = 14
# The share of --max_memory that the work on one tile may take; the rest is the image's.
_WINDOW_SHARE = 4
_MIB = 2**20


class Outcome(NamedTuple):
  """What became of one file.

  Attributes:
    path: of the input.
    status: RESTORED, SKIPPED or FAILED.
    pixels: that were restored.
    detail: how it was restored, or why not.
  """

  path: str
  status: str
  pixels: int
  detail: str


def window_bytes(config: restore_config.RestoreConfig) -> int:
  """Returns what the work on one tile may take."""
  return config.max_memory * _MIB // _WINDOW_SHARE


def restore(
  patterns: Sequence[str],
  config: restore_config.RestoreConfig,
  log: Callable[[str], None] = lambda line: None,
) -> list[Outcome]:
  """Restores files, folders and globs, and shows a bar of pixels on standard error.

  Args:
    patterns: as `outputs.plan` takes them.
    config: how, and where to.
    log: called with a line for each file.
  Returns:
    What became of each file, and of each pattern that named none.
  Raises:
    ValueError: if there are no patterns, or the weights are damaged.
    OSError: if the folder of the results cannot be made, or there is no run.
  """
  if not patterns:
    raise ValueError(
      "name what to restore, files, folders or globs: deblock-restore IN... --out=DIR."
    )
  _prepare(config.out)
  extension = saving.FORMATS[config.format].suffix
  jobs, refused = outputs.plan(patterns, config.out, config.suffix, extension, config.overwrite)
  network = network_lib.load(
    "" if config.logdir else config.model,
    config.logdir,
    window_bytes(config),
    config.checkpoint,
    self_ensemble=config.self_ensemble,
  )
  outcomes = [Outcome(item.path, FAILED, 0, item.reason) for item in refused]
  sizes = {job.path: outputs.pixels(job.path) for job in jobs}
  total = sum(sizes.values())
  with program.progress_bar("restoring", "px", total, unit_scale=True) as bar:

    def count(pixels):
      bar.update(pixels)

    def tell(outcome):
      nonlocal total
      if outcome.status != RESTORED:
        # Work that will not be done would spoil the time to go.
        total -= sizes[outcome.path]
        bar.total = max(bar.n, total)
      arrow = ":" if outcome.status == FAILED else " ->"
      log(f"{outcome.status}: {outcome.path}{arrow} {outcome.detail}")

    return outcomes + run(jobs, network, config, count, tell)


def run(
  jobs: Sequence[outputs.Job],
  network: tiling.Tiled,
  config: restore_config.RestoreConfig,
  on_pixels: Callable[[int], None] = lambda pixels: None,
  on_outcome: Callable[[Outcome], None] = lambda outcome: None,
) -> list[Outcome]:
  """Restores files and writes the results; returns what became of each, in their order.

  Args:
    jobs: what to restore, and where to.
    network: to restore with.
    config: how.
    on_pixels: called with numbers of pixels as they are restored.
    on_outcome: called after each file.
  """
  outcomes = []
  for job in jobs:
    try:
      outcome = _one(job, network, config, on_pixels)
    except reading.ImageError as error:
      outcome = Outcome(job.path, FAILED, 0, error.reason)
    except tf.errors.OpError as error:
      outcome = Outcome(job.path, FAILED, 0, graph_errors.gist(error))
    except MemoryError:
      outcome = Outcome(job.path, FAILED, 0, "there is not enough memory for it")
    except (OSError, ValueError) as error:
      outcome = Outcome(job.path, FAILED, 0, str(error))
    except Exception as error:
      # A fault of ours or of a library, brought out by a file: the others are not the worse for it.
      logging.debug("%s failed", job.path, exc_info=True)
      reason = f"unexpected {type(error).__name__}: {error}; please report it"
      outcome = Outcome(job.path, FAILED, 0, reason)
    outcomes.append(outcome)
    on_outcome(outcome)
  return outcomes


def table(outcomes: Sequence[Outcome], seconds: float) -> str:
  """Returns how many files were restored, skipped and failed, and of those that failed why."""
  lines = ["          files  megapixels"]
  for status in (RESTORED, SKIPPED, FAILED):
    chosen = [outcome for outcome in outcomes if outcome.status == status]
    megapixels = sum(outcome.pixels for outcome in chosen) / 1e6
    shown = f"{megapixels:>12.1f}" if status == RESTORED else ""
    lines.append(f"{status:<8}  {len(chosen):>5}{shown}")
  speed = sum(outcome.pixels for outcome in outcomes) / 1e6 / max(seconds, 1e-9)
  lines.append(f"{seconds:.1f} s, {speed:.2f} megapixels/s")
  lines += [
    f"failed: {outcome.path}: {outcome.detail}" for outcome in outcomes if outcome.status == FAILED
  ]
  return "\n".join(lines)


def _one(job, network, config, on_pixels):
  if not config.overwrite and outputs.is_finished(job):
    return Outcome(job.path, SKIPPED, 0, f"{job.target} is finished")
  data = reading.read_bytes(job.path)
  _check_memory(job.path, data, config)
  found = original.decode(data, job.path, int(config.max_megapixels * 1e6))
  made = photograph.restore_original(
    found, network, config.quality, config.strength, on_pixels, config.faithful
  )
  height, width = found.samples.shape[:2]
  upright = original.upright(made.samples, found.orientation)
  alpha = None if found.alpha is None else original.upright(found.alpha, found.orientation)
  metadata = found.metadata if config.metadata == "keep" else metadata_lib.Metadata()
  notes = [made.condition.source, *made.notes, *found.notes]
  # Before encoding, which needs the most memory.
  del found, made
  encoded, kept = saving.encode(upright, alpha, metadata, config.format)
  _write(job.target, encoded)
  detail = "; ".join([f"{job.target}: {notes[0]}", *notes[1:], *kept])
  return Outcome(job.path, RESTORED, height * width, detail)


def _check_memory(path, data, config):
  """Raises ImageError if an image would take more memory than it may; told by its header."""
  most_pixels = int(config.max_megapixels * 1e6)
  with reading.opened(data, path, most_pixels) as picture:
    width, height = picture.size
  needed = width * height * _IMAGE_BYTES_PER_PIXEL + len(data) + window_bytes(config)
  if needed > config.max_memory * _MIB:
    raise reading.ImageError(
      path,
      f"needs {-(-needed // _MIB)} MiB for {width}x{height} pixels, more than --max_memory="
      f"{config.max_memory}",
    )


def _prepare(folder):
  try:
    pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
  except OSError as error:
    raise _unwritable(folder, error.strerror) from error
  if not outputs.may_write(folder):
    raise _unwritable(folder, "Permission denied")


def _unwritable(folder, reason):
  return OSError(f"out {folder} cannot be written: {reason}. Choose another --out.")


def _write(target: pathlib.Path, data):
  try:
    outputs.write(target, data)
  except OSError as error:
    raise OSError(f"{target} cannot be written: {error.strerror or error}") from error
