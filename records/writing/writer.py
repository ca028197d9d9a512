"""Writes a folder of records: images, plan, shards, duplicates, and the manifest last."""

from collections.abc import Callable
import dataclasses
import os
from typing import Any

from absl import logging

from deblock.records import paths
from deblock.records.layout import files, manifest, schema
from deblock.records.planning import config as config_lib
from deblock.records.planning import duplicates, hashing, plan
from deblock.records.sources import opening
from deblock.records.writing import appending, folder, passes, progress


def write(
  config: config_lib.RecordsConfig,
  on_progress: Callable[[progress.Progress], None] | None = None,
  pipeline_options: Any = None,
  cache_dir: str | os.PathLike | None = None,
) -> manifest.Manifest:
  """Writes the records of a configuration and returns their manifest.

  Finished shards of an interrupted run are kept. If everything is finished, nothing is done. The
  bytes of the shards depend only on the images and the settings, not on runner, workers or
  interruptions. With `append` the images that finished records lack are added, see `appending`.

  The first pass writes the shards as planned, and hashes the images while they are decoded. If
  there are duplicates, the plan is revised and the changed shards are written again.

  Args:
    config: what to write, and where.
    on_progress: called with the progress at the start, at each finished shard (from another
      thread), and at the end.
    pipeline_options: Beam's PipelineOptions, to use another runner than local processes.
    cache_dir: folder for downloaded images; by default ~/.cache/deblock.
  Raises:
    FileNotFoundError: if there are no images, or nothing to append to.
    ValueError: if the folder has records of other settings or images, or other files; or if more
      images than `max_bad_fraction` allows, or all images, are unusable.
    PermissionError: if the folder cannot be written.
    BlockingIOError: if another process is writing there.
    RuntimeError: if the pipeline fails; finished shards are kept.
    kodak.DownloadError: if the Kodak images cannot be downloaded.
  """
  # Workers, and later runs, can have another working folder.
  config = dataclasses.replace(
    config,
    records=paths.absolute(config.records),
    images=paths.absolute(config.images),
    tfds_dir=paths.absolute(config.tfds_dir),
  )
  test_ids = read_list(config.test_list) if config.test_list else None
  settings = _settings(config, test_ids)
  source = opening.open_source(**config.source_options, cache_dir=cache_dir)
  job = passes.Job(config, source, pipeline_options, on_progress)
  has_records = folder.check(config.records, settings, config.overwrite)
  if config.append:
    if not has_records:
      raise FileNotFoundError(
        f"append needs finished records, and {config.records} has none: write them first, without "
        "--append."
      )
    with folder.writing(config.records):
      return appending.append(job)
  if has_records:
    complete = _complete(config, source)
    if complete is not None:
      return complete
  images = source.list()
  splits = plan.assign_splits(images, config.test_share, test_ids, config.val_share)
  draft, workers = passes.draft(job, images, splits)
  with folder.writing(config.records):
    folder.begin(config.records, settings)
    written = passes.write(
      job, draft, workers, lambda new: duplicates.find(new, config.near_duplicate_bits)
    )
    return passes.save(written, job)


def read_list(path: str) -> frozenset[str]:
  """Returns the image ids of a text file, one a line; blank lines and # lines are ignored.

  Raises:
    FileNotFoundError: if there is no such file.
    ValueError: if it names no image.
  """
  try:
    lines = [line.strip() for line in files.read_text(path).splitlines()]
  except OSError as error:
    reason = error.strerror or error
    raise FileNotFoundError(f"test_list {path} cannot be read: {reason}.") from error
  ids = frozenset(line for line in lines if line and not line.startswith("#"))
  if not ids:
    raise ValueError(f"test_list {path} names no image; it must have one image id a line.")
  return ids


def _settings(config, test_ids):
  listed = hashing.stable_hash(*sorted(test_ids)) if test_ids else 0
  return {"schema_version": schema.VERSION, **config.settings, "test_list_hash": f"{listed:016x}"}


def _complete(config, source):
  """Returns the manifest if the folder has finished records of exactly these images, else None."""
  try:
    complete = manifest.load(config.records)
  except FileNotFoundError:
    _check_rewritable(config, f"{config.records} has no {manifest.NAME}")
    logging.info("Finishing the records of %s.", config.records)
    return None
  except ValueError as error:
    _check_rewritable(config, str(error).rstrip("."))
    logging.warning("Repairing the records: %s", error)
    return None
  if not config.images:
    return complete  # The known sets do not change.
  try:
    new = {image.id for image in source.list()}
  except FileNotFoundError:
    # Complete records stay usable without their images.
    return complete
  old = {image.id for image in complete.images} | {image.id for image in complete.skipped}
  old |= {copy.id for copy in complete.copies}
  if old == new:
    return complete
  if config.overwrite:
    return None
  example = min(old ^ new)
  change = "is new" if example in new else "is gone"
  advice = "--append adds the new ones; else " if new - old else ""
  raise ValueError(
    f"{complete.folder} has records of other images ({len(old)} then, {len(new)} now; {example} "
    f"{change}): {advice}use another --records folder, or --overwrite."
  )


def _check_rewritable(config, problem):
  """Refuses a folder with appended shards: one plan of all images would replace every shard."""
  if not config.overwrite and any(map(manifest.append_of, files.names(config.records))):
    raise ValueError(
      f"{problem}, and images were appended there: copy the missing file back, or write all "
      "records again with --overwrite."
    )
