"""Writes one shard from its list of images: the unit of work, of memory and of resumption."""

import dataclasses
import hashlib
import json
import posixpath

import tensorflow as tf

from deblock.records.layout import files, manifest, schema
from deblock.records.photos import reading
from deblock.records.planning import config as config_lib
from deblock.records.planning import cutting, hashing, perceptual, plan
from deblock.records.sources import opening
from deblock.records.writing import shuffle

SIDECARS = ".shards"

# What a worker holds of its shard while it writes; larger shards are shuffled within this much.
BUFFER_BYTES = 256 * 2**20


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

  An image that cannot be used is noted with its reason and costs no other. The order of the records
  is decided by hashes of seed and key (`shuffle.shuffled`). The memory needed is that of the buffer
  and of one image with its tiles, however large the shard.

  Args:
    shard_plan: which images go into which file.
    config: the settings.
    folder: that of the records, with its folder of sidecars, both there already.
  Raises:
    tf.errors.OpError: if the folder cannot be written; nothing is left of the file then.
  """
  if (done := finished(shard_plan, config, folder)) is not None:
    return done
  used: list[manifest.ImageEntry] = []
  skipped: list[manifest.SkippedEntry] = []
  # Beside the sidecars: whoever lists the shards by a glob never sees an unfinished one.
  temporary = files.temporary_name(posixpath.join(folder, SIDECARS, shard_plan.name))
  with files.removed_on_error(temporary):
    count = 0
    with tf.io.TFRecordWriter(temporary) as writer:
      records = _records(shard_plan, config, used, skipped)
      for record in shuffle.shuffled(records, config.seed, BUFFER_BYTES):
        writer.write(record)
        count += 1
    result = ShardResult(
      fingerprint=fingerprint(shard_plan, config),
      shard=manifest.ShardEntry(
        file=shard_plan.name,
        count=count,
        size_bytes=files.size_bytes(temporary),
      ),
      images=tuple(used),
      skipped=tuple(skipped),
    )
    text = json.dumps(dataclasses.asdict(result), indent=1) + "\n"
    files.write_text(sidecar_path(shard_plan, folder), text)
    tf.io.gfile.rename(temporary, posixpath.join(folder, shard_plan.name), overwrite=True)
  return result


def _records(shard_plan, config, used, skipped):
  """Yields (key, serialised record) of every tile of a shard, and notes what became of its images.

  The notes are lists that are complete once the last record has been taken: the pictures stream by
  one at a time and are not seen again.
  """
  for image, found in opening.open_source(**config.source_options).read(shard_plan.images):
    reason = cutting.problem(found, config)
    if isinstance(found, reading.ImageError) or reason:
      skipped.append(manifest.SkippedEntry(image.id, image.path, reason))
      continue
    pixels = cutting.prepare(found, config)
    count = 0
    for value in cutting.make_triples(image.id, pixels, config):
      yield value.key, schema.to_example(value, config.clean_encoding)
      count += 1
    used.append(
      manifest.ImageEntry(
        id=image.id,
        path=image.path,
        group=image.group,
        split=shard_plan.split,
        tiles=count,
        height=pixels.shape[0],
        width=pixels.shape[1],
        format=found.format,
        digest=hashing.content_hash(found.pixels),
        hash=_hash(found.pixels, config),
      )
    )


def _hash(pixels, config):
  if config.near_duplicate_bits < 0:
    return ""
  value = perceptual.perceptual_hash(pixels)
  return "" if value is None else f"{value:016x}"
