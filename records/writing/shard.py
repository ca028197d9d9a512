"""Writes one shard from its list of images: the unit of work, of memory and of resumption."""

from collections.abc import Iterable, Iterator
import dataclasses
import hashlib
import json
import posixpath
import typing

import tensorflow as tf

from deblock.records.layout import files, manifest, schema
from deblock.records.photos import reading
from deblock.records.planning import config as config_lib
from deblock.records.planning import cutting, hashing, perceptual, plan
from deblock.records.sources import opening

SIDECARS = ".shards"

# Bytes of records that a worker holds for shuffling.
BUFFER_BYTES = 256 * 2**20


@dataclasses.dataclass(frozen=True)
class ShardResult:
  """The result of writing one shard. It is stored as JSON in the folder of sidecars.

  Attributes:
    fingerprint: of the settings and images that the shard was made from.
    shard: the finished file.
    images: images that were used.
    skipped: images that could not be used.
  """

  fingerprint: str
  shard: manifest.ShardEntry
  images: tuple[manifest.ImageEntry, ...]
  skipped: tuple[manifest.SkippedEntry, ...]


def fingerprint(shard_plan: plan.ShardPlan, config: config_lib.RecordsConfig) -> str:
  """Returns a digest of everything that decides a shard's bytes, except the images' contents."""
  parts = [
    schema.VERSION,
    config.settings,
    shard_plan.name,
    [(image.id, image.group) for image in shard_plan.images],
  ]
  return hashlib.sha256(json.dumps(parts, sort_keys=True).encode("utf-8")).hexdigest()


def sidecar_path(shard_plan: plan.ShardPlan, folder: str) -> str:
  """Returns the path of a shard's result."""
  return posixpath.join(folder, SIDECARS, f"{shard_plan.name}.json")


def finished(
  shard_plan: plan.ShardPlan, config: config_lib.RecordsConfig, folder: str
) -> ShardResult | None:
  """Returns the result of a shard that is finished, else None.

  A shard is finished if both files exist, and its size and fingerprint agree with the result.
  """
  try:
    path = sidecar_path(shard_plan, folder)
    result = files.read_json(ShardResult, path, manifest.MOST_BYTES)
  except (FileNotFoundError, ValueError):
    # The shard is written again if its sidecar cannot be read.
    return None
  if result.fingerprint != fingerprint(shard_plan, config):
    return None
  if files.size_bytes(posixpath.join(folder, shard_plan.name)) != result.shard.size_bytes:
    return None
  return result


def write_shard(
  shard_plan: plan.ShardPlan, config: config_lib.RecordsConfig, folder: str
) -> ShardResult:
  """Writes one shard and its sidecar, unless it is finished, and returns the result.

  Unusable images are skipped and listed with the reason. The records are in the order of
  `shuffled`. Memory holds the buffer, and one image with its tiles, however large the shard is.

  Args:
    shard_plan: which images go into which file.
    config: the settings.
    folder: of the records. It exists, and so does its folder of sidecars.
  Raises:
    OSError: if the folder or the records cannot be written. The unfinished file is removed.
  """
  if (done := finished(shard_plan, config, folder)) is not None:
    return done
  used: list[manifest.ImageEntry] = []
  skipped: list[manifest.SkippedEntry] = []
  # In the folder of sidecars, so that a glob for shards never finds an unfinished one.
  path = posixpath.join(folder, shard_plan.name)
  with files.replacing(path, posixpath.join(folder, SIDECARS)) as temporary:
    count = 0
    records = _records(shard_plan, config, used, skipped)
    try:
      with tf.io.TFRecordWriter(temporary) as writer:
        for record in shuffled(records, config.seed, BUFFER_BYTES):
          writer.write(record)
          count += 1
    except tf.errors.OpError as error:
      # TensorFlow names the temporary file, which means nothing to anybody.
      raise OSError(error.message.replace(temporary, path)) from error
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
  return result


def shuffled(records: Iterable[tuple[str, bytes]], seed: int, buffer_bytes: int) -> Iterator[bytes]:
  """Yields records in an order that their keys and the seed decide, with bounded memory.

  If all records fit into the buffer, the order is that of their keys' hashes, a full shuffle. After
  that each new record pushes out one record that its hash picks, as in `Dataset.shuffle`.

  Args:
    records: (key, serialised record) pairs with different keys.
    seed: of the order.
    buffer_bytes: most bytes of records that are held, at times one record more.
  """
  buffer: list[tuple[int, str, bytes]] = []
  held = 0
  for key, record in records:
    order = hashing.stable_hash(seed, key)
    buffer.append((order, key, record))
    held += len(record)
    while held > buffer_bytes and len(buffer) > 1:
      # The last place holds the newest record, which can be the one that is picked.
      picked = order % len(buffer)
      buffer[picked], buffer[-1] = buffer[-1], buffer[picked]
      *_, leaving = buffer.pop()
      held -= len(leaving)
      yield leaving
  buffer.sort()
  # Popped one by one, so that no written record stays in memory.
  buffer.reverse()
  while buffer:
    yield buffer.pop()[2]


def save_plan(shard_plan: plan.ShardPlan, folder: str) -> str:
  """Writes the plan of a shard into a folder and returns the file's path.

  A Beam pipeline carries this path rather than the list of images: with a hundred thousand images
  the lists exceed the few MiB that some runners allow for the description of a job.

  Raises:
    OSError: if the folder cannot be written.
  """
  path = posixpath.join(folder, f"{shard_plan.name}.plan.json")
  files.write_text(path, json.dumps(dataclasses.asdict(shard_plan)) + "\n")
  return path


def load_plan(path: str) -> plan.ShardPlan:
  """Returns the plan that `save_plan` wrote.

  Raises:
    FileNotFoundError: if there is no such file.
    ValueError: if it is no plan.
  """
  return files.read_json(plan.ShardPlan, path, manifest.MOST_BYTES)


def _records(shard_plan, config, used, skipped):
  """Yields (key, serialised record) of every tile of a shard.

  Appends each image to `used` or `skipped`. The lists are complete after the last record, as images
  are read one at a time, and once.
  """
  for image, found in opening.open_source(**config.source_options).read(shard_plan.images):
    try:
      pixels = cutting.prepare(found, config)
    except ValueError as error:
      skipped.append(manifest.SkippedEntry(image.id, image.path, str(error)))
      continue
    picture = typing.cast(reading.Picture, found)  # `prepare` has refused errors.
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
        format=picture.format,
        digest=hashing.content_hash(picture.pixels),
        hash=_hash(picture.pixels, config),
      )
    )


def _hash(pixels, config):
  if config.near_duplicate_bits < 0:
    return ""
  value = perceptual.perceptual_hash(pixels)
  return "" if value is None else f"{value:016x}"
