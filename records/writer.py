"""Writes a folder of records: images, plan, shards, TFDS metadata, and the manifest last."""

from collections.abc import Callable
import json
import os
import pathlib
import posixpath
from typing import Any

from absl import logging
import tensorflow as tf

from deblock.records import config as config_lib
from deblock.records import files, kodak, manifest, plan, progress, quiet, schema, shard, sources
from deblock.records import images as images_lib

SETTINGS = "settings.json"

_NAMED_BAD_IMAGES = 5


def write(
  config: config_lib.RecordsConfig,
  on_progress: Callable[[int, int], None] | None = None,
  pipeline_options: Any = None,
  cache_dir: str | os.PathLike | None = None,
) -> manifest.Manifest:
  """Writes the records that a configuration asks for and returns their manifest.

  What an interrupted run finished is kept; where all is there, nothing is done. The bytes of the
  shards depend on the images and the settings alone, not on workers or interruptions.

  Args:
    config: what to write, and where.
    on_progress: called with the numbers of finished and of all shards, at first, as shards get
      finished (from another thread), and at the end.
    pipeline_options: Beam's PipelineOptions, to run elsewhere than `config.workers` says.
    cache_dir: where downloaded images are kept; by default ~/.cache/deblock.
  Raises:
    FileNotFoundError: if there are no images.
    ValueError: if the folder holds records of other settings or other images, or something else;
      or if more images than `max_bad_fraction` allows, or all, cannot be used.
    PermissionError: if the folder cannot be written.
    kodak.DownloadError: if the Kodak images cannot be fetched.
  """
  folder = config.records
  complete = _check_folder(folder, config)
  if complete is not None:
    _check_same_images(complete, config)
    return complete
  images = list_images(config, cache_dir)
  the_plan = plan.make_plan(images, config.test_share, config.shards)
  _prepare_folder(folder, config)
  _remove_leftovers(folder, config, the_plan)
  with progress.watch([_path(folder, item) for item in the_plan.shards], on_progress):
    _run(the_plan, config, pipeline_options)
  results = _collect(the_plan, config, folder)
  skipped = sorted((bad for result in results for bad in result.skipped), key=lambda bad: bad.id)
  used = sorted((good for result in results for good in result.images), key=lambda good: good.id)
  _check_share(skipped, used, config)
  for bad in skipped:
    logging.warning("Skipped %s: %s.", bad.path, bad.reason)
  splits: dict[str, tuple[manifest.ShardEntry, ...]] = {}
  for item, result in zip(the_plan.shards, results, strict=True):
    splits[item.split] = (*splits.get(item.split, ()), result.shard)
  _write_tfds_metadata(folder, splits)
  made = manifest.Manifest(
    settings=config.settings,
    splits=splits,
    images=tuple(used),
    skipped=tuple(skipped),
    folder=folder,
  )
  manifest.save(folder, made)
  return made


def list_images(
  config: config_lib.RecordsConfig, cache_dir: str | os.PathLike | None = None
) -> tuple[sources.SourceImage, ...]:
  """Returns the images that a configuration names; see `write` for the errors."""
  if config.images:
    return sources.from_pattern(config.images)
  if config.settings["source"] == "kodak":
    cache = pathlib.Path.home() / ".cache" / "deblock" if cache_dir is None else cache_dir
    return kodak.kodak(pathlib.Path(cache) / "kodak")
  return sources.packaged()


def _check_folder(folder, config):
  """Returns the manifest if the folder is complete, None if there is work to do."""
  try:
    names = tf.io.gfile.listdir(folder) if tf.io.gfile.exists(folder) else []
  except tf.errors.OpError as error:
    raise PermissionError(f"records folder {folder} cannot be used: {error.message}.") from error
  if not names:
    return None
  if SETTINGS not in names:
    raise ValueError(
      f"records folder {folder} holds other files and no {SETTINGS}: name an empty or new one."
    )
  old = _read_settings(posixpath.join(folder, SETTINGS))
  new = _settings(config)
  for name in sorted(old.keys() | new.keys()):
    if old.get(name) != new.get(name):
      raise ValueError(
        f"{folder} holds records with {name} = {old.get(name)!r}, now asked for with "
        f"{new.get(name)!r}: name another --records folder, or remove this one."
      )
  try:
    return manifest.load(folder)
  except FileNotFoundError:
    logging.info("Finishing the records of %s.", folder)
  except ValueError as error:
    logging.warning("Repairing the records: %s", error)
  return None


def _read_settings(path):
  try:
    return dict(json.loads(files.read_text(path)))
  except (ValueError, TypeError) as error:
    raise ValueError(f"{path} cannot be read: {error}; remove the folder.") from error


def _settings(config):
  return {"schema_version": schema.VERSION, **config.settings}


def _check_same_images(complete, config):
  if not config.images:
    return  # The known sets do not change.
  try:
    images = sources.from_pattern(config.images)
  except FileNotFoundError:
    # Complete records outlive the folder that they were made from.
    return
  old = {image.id for image in (*complete.images, *complete.skipped)}
  new = {image.id for image in images}
  if old != new:
    example = min(old ^ new)
    change = "is new" if example in new else "is gone"
    raise ValueError(
      f"{complete.folder} holds records of other images ({len(old)} then, {len(new)} now; "
      f"{example} {change}): name another --records folder, or remove this one."
    )


def _prepare_folder(folder, config):
  try:
    tf.io.gfile.makedirs(posixpath.join(folder, shard.SIDECARS))
    content = json.dumps(_settings(config), indent=1) + "\n"
    files.write_text(posixpath.join(folder, SETTINGS), content)
  except tf.errors.OpError as error:
    raise PermissionError(f"records folder {folder} cannot be written: {error.message}.") from error


def _remove_leftovers(folder, config, the_plan):
  """Removes what an interrupted run left: temporary files, shards of another plan, half shards.

  The folder has this project's settings file, so files of these names are its own.
  """
  keep = {item.name for item in the_plan.shards if _is_final(item, config, folder)}
  sidecars = posixpath.join(folder, shard.SIDECARS)
  for name in tf.io.gfile.listdir(folder):
    if name.endswith(files.TEMPORARY_SUFFIX) or (name.startswith("deblock-") and name not in keep):
      tf.io.gfile.remove(posixpath.join(folder, name))
  for name in tf.io.gfile.listdir(sidecars):
    if name.removesuffix(".json") not in keep:
      tf.io.gfile.remove(posixpath.join(sidecars, name))
  if tf.io.gfile.exists(posixpath.join(folder, manifest.NAME)):
    tf.io.gfile.remove(posixpath.join(folder, manifest.NAME))


def _is_final(item, config, folder):
  """Returns whether a shard is finished and none of its bad images has been mended since."""
  result = shard.finished(item, config, folder)
  if result is None:
    return False
  for bad in result.skipped:
    try:
      shard.read_image(bad.path, config.tile_size)
    except images_lib.ImageError:
      continue
    return False
  return True


def _run(the_plan, config, pipeline_options):
  if all(shard.finished(item, config, config.records) for item in the_plan.shards):
    return
  # Beam takes seconds to import, which a program's --help should not wait for.
  with quiet.everything():
    import apache_beam as beam

    from deblock.records import local_beam, transforms

  if pipeline_options is None:
    pipeline = local_beam.local_pipeline(min(config.workers, len(the_plan.shards)))
  else:
    pipeline = beam.Pipeline(options=pipeline_options)
  _ = pipeline | "WriteRecords" >> transforms.WriteShards(the_plan.shards, config)
  with quiet.logger("apache_beam"):
    pipeline.run().wait_until_finish()


def _collect(the_plan, config, folder):
  results = []
  for item in the_plan.shards:
    result = shard.finished(item, config, folder)
    if result is None:
      raise RuntimeError(f"{_path(folder, item)} was not written though the pipeline succeeded.")
    results.append(result)
  return results


def _check_share(skipped, used, config):
  total = len(skipped) + len(used)
  if not skipped or (used and len(skipped) / total <= config.max_bad_fraction):
    return
  named = "\n".join(f"  {bad.path}: {bad.reason}" for bad in skipped[:_NAMED_BAD_IMAGES])
  if used:
    rule = f"more than max_bad_fraction={config.max_bad_fraction} allows"
  else:
    rule = "so there is nothing to write"
  more = len(skipped) - _NAMED_BAD_IMAGES
  rest = f"\n  and {more} more" if more > 0 else ""
  raise ValueError(f"{len(skipped)} of {total} images cannot be used, {rule}:\n{named}{rest}")


def _write_tfds_metadata(folder, splits):
  import tensorflow_datasets as tfds

  infos = [
    tfds.core.SplitInfo(
      name=split,
      shard_lengths=[entry.count for entry in shards],
      num_bytes=sum(entry.size_bytes for entry in shards),
      filename_template=tfds.core.ShardedFileTemplate(
        data_dir=folder, dataset_name="deblock", split=split, filetype_suffix="tfrecord"
      ),
    )
    for split, shards in splits.items()
  ]
  tfds.folder_dataset.write_metadata(
    data_dir=folder,
    features=schema.tfds_features(),
    split_infos=infos,
    version=f"{schema.VERSION}.0.0",
    check_data=False,
    description="Clean image tiles and their JPEG streams.",
  )


def _path(folder, item):
  return posixpath.join(folder, item.name)
