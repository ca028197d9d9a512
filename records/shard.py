"""Writes one shard from its list of images: the unit of work, of memory and of resumption."""

from collections.abc import Iterator
import dataclasses
import hashlib
import json
import posixpath

import numpy as np
import tensorflow as tf

from deblock.records import codec, files, images, manifest, plan, schema, sources, tiles, triple
from deblock.records import config as config_lib

SIDECARS = ".shards"


@dataclasses.dataclass(frozen=True)
class ShardResult:
  """What became of one shard; stored beside it as JSON.

  Attributes:
    fingerprint: of the settings and images that the shard was made from.
    shard: the finished file.
    images: used for it.
    skipped: of its images, those that could not be used.
  """

  fingerprint: str
  shard: manifest.ShardEntry
  images: tuple[manifest.ImageEntry, ...]
  skipped: tuple[manifest.SkippedEntry, ...]


def fingerprint(shard_plan: plan.ShardPlan, config: config_lib.RecordsConfig) -> str:
  """Returns a digest of all that decides a shard's bytes, but for the images' contents."""
  parts = [
    schema.VERSION,
    config.settings,
    shard_plan.name,
    [(image.id, image.group) for image in shard_plan.images],
  ]
  return hashlib.sha256(json.dumps(parts, sort_keys=True).encode("utf-8")).hexdigest()


def sidecar_path(shard_plan: plan.ShardPlan, folder: str) -> str:
  """Returns where the result of a shard is stored."""
  return posixpath.join(folder, SIDECARS, f"{shard_plan.name}.json")


def finished(
  shard_plan: plan.ShardPlan, config: config_lib.RecordsConfig, folder: str
) -> ShardResult | None:
  """Returns the result of a shard that an earlier run finished, or None if it is to be made.

  Finished means: both files are there, their sizes agree, and the fingerprint is the same.
  """
  try:
    content = json.loads(files.read_text(sidecar_path(shard_plan, folder)))
    result = ShardResult(
      fingerprint=content["fingerprint"],
      shard=manifest.ShardEntry(**content["shard"]),
      images=tuple(manifest.ImageEntry(**image) for image in content["images"]),
      skipped=tuple(manifest.SkippedEntry(**image) for image in content["skipped"]),
    )
  except (tf.errors.NotFoundError, ValueError, KeyError, TypeError):
    # A sidecar that cannot be read is as good as none: the shard is made again.
    return None
  if result.fingerprint != fingerprint(shard_plan, config):
    return None
  if files.size_bytes(posixpath.join(folder, shard_plan.name)) != result.shard.size_bytes:
    return None
  return result


def write_shard(
  shard_plan: plan.ShardPlan, config: config_lib.RecordsConfig, folder: str
) -> ShardResult:
  """Makes one shard with its sidecar, unless that has been done, and returns the result.

  An image that cannot be used is noted with its reason and costs no other. The records stand in
  the order of a hash of seed and key. No TensorFlow operation runs here, so a worker process
  takes hold of no accelerator. The memory needed is that of one shard's records and one image.

  Args:
    shard_plan: which images go into which file.
    config: the settings.
    folder: that of the records, with its folder of sidecars, both there already.
  Raises:
    tf.errors.OpError: if the folder cannot be written.
  """
  if (done := finished(shard_plan, config, folder)) is not None:
    return done
  records: list[tuple[int, str, bytes]] = []
  used = []
  skipped = []
  for source in shard_plan.images:
    try:
      pixels = read_image(source.path, config.tile_size)
    except images.ImageError as error:
      skipped.append(manifest.SkippedEntry(source.id, source.path, error.reason))
      continue
    before = len(records)
    for value in make_triples(source, pixels, config):
      order = plan.stable_hash(config.seed, value.key)
      records.append((order, value.key, schema.to_example(value)))
    used.append(
      manifest.ImageEntry(
        id=source.id,
        path=source.path,
        group=source.group,
        split=shard_plan.split,
        tiles=len(records) - before,
        height=pixels.shape[0],
        width=pixels.shape[1],
      )
    )
  records.sort()
  return _publish(shard_plan, config, folder, records, used, skipped)


def read_image(path: str, tile_size: int) -> np.ndarray:
  """Returns the pixels of an image that at least one tile can be cut from, uint8 [H, W, 3].

  Raises:
    images.ImageError: if it cannot be read or is smaller than a tile.
  """
  pixels = images.read_rgb(path)
  try:
    height, width = pixels.shape[:2]
    tiles.tile_offsets(height, width, tile_size)
  except ValueError as error:
    raise images.ImageError(path, str(error)) from error
  return pixels


def make_triples(
  source: sources.SourceImage, pixels: np.ndarray, config: config_lib.RecordsConfig
) -> Iterator[triple.PatchTriple]:
  """Yields the triple of each tile of an image, row by row.

  Args:
    source: gives the key its first part.
    pixels: uint8 [H, W, 3].
    config: tile size, qualities and subsampling.
  Raises:
    ValueError: if the image is smaller than one tile.
  """
  for (row, column), tile in tiles.cut(pixels, config.tile_size):
    clean = np.ascontiguousarray(tile)
    yield triple.PatchTriple(
      clean=clean,
      compressed=tuple(
        codec.encode(clean, quality, config.subsampling) for quality in config.qualities
      ),
      qualities=config.qualities,
      key=f"{source.id}/{row}/{column}",
    )


def _publish(shard_plan, config, folder, records, used, skipped):
  path = posixpath.join(folder, shard_plan.name)
  sidecar = sidecar_path(shard_plan, folder)
  # Beside the sidecars: whoever lists the shards by a glob never sees an unfinished one.
  temporary = files.temporary_name(posixpath.join(folder, SIDECARS, shard_plan.name))
  with tf.io.TFRecordWriter(temporary) as writer:
    for _, _, serialized in records:
      writer.write(serialized)
  result = ShardResult(
    fingerprint=fingerprint(shard_plan, config),
    shard=manifest.ShardEntry(
      file=shard_plan.name,
      count=len(records),
      size_bytes=files.size_bytes(temporary),
      sha256=files.sha256(temporary),
    ),
    images=tuple(used),
    skipped=tuple(skipped),
  )
  files.write_text(sidecar, json.dumps(dataclasses.asdict(result), indent=1) + "\n")
  tf.io.gfile.rename(temporary, path, overwrite=True)
  return result
