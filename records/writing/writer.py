"""Writes a folder of records: images, plan, shards, duplicates, and the manifest last."""

from collections.abc import Callable, Sequence
import dataclasses
import os
from typing import Any

from absl import logging

from deblock.records import harmless, paths
from deblock.records.layout import files, manifest, schema
from deblock.records.planning import config as config_lib
from deblock.records.planning import cutting, estimate, hashing, plan
from deblock.records.sources import opening
from deblock.records.writing import duplicates_file, folder, progress, running, shard

_NAMED_IMAGES = 5


def write(
  config: config_lib.RecordsConfig,
  on_progress: Callable[[progress.Progress], None] | None = None,
  pipeline_options: Any = None,
  cache_dir: str | os.PathLike | None = None,
) -> manifest.Manifest:
  """Writes the records of a configuration and returns their manifest.

  Finished shards of an interrupted run are kept. If everything is finished, nothing is done. The
  bytes of the shards depend only on the images and the settings, not on runner, workers or
  interruptions.

  The first pass writes the shards as planned, and hashes the images while they are decoded. If
  there are duplicates, the plan is revised and the changed shards are written again.

  Args:
    config: what to write, and where.
    on_progress: called with the progress at the start, at each finished shard (from another
      thread), and at the end.
    pipeline_options: Beam's PipelineOptions, to use another runner than local processes.
    cache_dir: folder for downloaded images; by default ~/.cache/deblock.
  Raises:
    FileNotFoundError: if there are no images.
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
  if folder.check(config.records, settings, config.overwrite):
    complete = _complete(config, source)
    if complete is not None:
      return complete
  images = source.list()
  splits = plan.assign_splits(images, config.test_share, test_ids)
  total_bytes = estimate.size_bytes(source, images, config)
  draft = plan.make_plan(images, splits, _shard_counts(images, splits, total_bytes, config))
  workers = running.worker_count(config.workers, len(draft.shards), total_bytes)
  with folder.writing(config.records):
    folder.begin(config.records, settings)

    def run(shards):
      folder.remove_leftovers(config.records, _final_names(shards, config, source))
      return running.run(shards, config, workers, pipeline_options, on_progress)

    found = duplicates_file.load(config.records, draft, config)
    while True:
      final = plan.revise(draft, [copy.id for copy in found.copies], found.moved)
      results = run(final.shards)
      more = duplicates_file.find_among(results, config)
      if not (more.copies or more.moved):
        break
      found = duplicates_file.union(found, more)
      duplicates_file.save(config.records, draft, config, found)
    made = _manifest(final, results, found, config)
    _check_share(made, config)
    manifest.save_for_tfds(config.records, made)
    manifest.save(config.records, made)
  return made


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
    logging.info("Finishing the records of %s.", config.records)
    return None
  except ValueError as error:
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
  raise ValueError(
    f"{complete.folder} has records of other images ({len(old)} then, {len(new)} now; {example} "
    f"{change}): use another --records folder, or --overwrite."
  )


def _shard_counts(images, splits, total_bytes, config):
  counts = {}
  for split in plan.SPLITS:
    number = sum(splits[image.group] == split for image in images)
    counts[split] = estimate.shard_count(total_bytes * number / len(images), number, config)
  return counts


def _final_names(shards, config, source):
  """Returns the names of finished shards whose skipped images are still unusable."""
  names = set()
  for item in shards:
    result = shard.finished(item, config, config.records)
    if result is None:
      continue
    skipped = {bad.id for bad in result.skipped}
    again = [image for image in item.images if image.id in skipped]
    if not any(cutting.is_usable(found, config) for _, found in source.read(again)):
      names.add(item.name)
  return names


def _manifest(final, results, found, config):
  splits: dict[str, tuple[manifest.ShardEntry, ...]] = {}
  for item, result in zip(final.shards, results, strict=True):
    splits[item.split] = (*splits.get(item.split, ()), result.shard)
  return manifest.Manifest(
    settings=config.settings,
    splits=splits,
    images=_by_id(image for result in results for image in result.images),
    skipped=_by_id(image for result in results for image in result.skipped),
    copies=tuple(manifest.CopyEntry(copy.id, copy.of) for copy in found.copies),
    near=tuple(manifest.NearEntry(near.id, near.of, near.distance) for near in found.near),
    folder=config.records,
  )


def _by_id(entries):
  return tuple(sorted(entries, key=lambda entry: entry.id))


def _check_share(made, config):
  skipped, used = made.skipped, len(made.images) + len(made.copies)
  total = len(skipped) + used
  if not skipped or (used and len(skipped) / total <= config.max_bad_fraction):
    return
  if used:
    rule = f"more than max_bad_fraction={config.max_bad_fraction} allows"
  else:
    rule = "so there is nothing to write"
  named = _named([harmless.printable(f"{bad.path}: {bad.reason}") for bad in skipped])
  raise ValueError(f"{len(skipped)} of {total} images cannot be used, {rule}:{named}")


def _named(lines: Sequence[str]) -> str:
  """Returns the first few lines, one a line, and how many more there are."""
  more = len(lines) - _NAMED_IMAGES
  named = [*lines[:_NAMED_IMAGES], *([f"and {more} more"] if more > 0 else [])]
  return "".join(f"\n  {line}" for line in named)
