"""Checks the shards of a finished folder against its manifest, and samples their tiles."""

from collections.abc import Callable, Iterator
import posixpath

import tensorflow as tf

from deblock.records.layout import manifest, schema, triple


def problems(
  made: manifest.Manifest, on_shard: Callable[[str], object] | None = None
) -> Iterator[str]:
  """Yields a sentence for each bad shard, which names the file.

  Every record is read, checked by its checksum (CRC-32C) and counted.

  Args:
    made: the manifest of the folder.
    on_shard: called with the name of each shard after it has been read.
  """
  for entries in made.splits.values():
    for entry in entries:
      if found := _problem(posixpath.join(made.folder, entry.file), entry):
        yield found
      if on_shard is not None:
        on_shard(entry.file)


def sample(made: manifest.Manifest, count: int) -> Iterator[tuple[str, triple.PatchTriple]]:
  """Yields (split, tile) of about `count` tiles, the first of shards spread over all splits."""
  shards = [
    (split, posixpath.join(made.folder, entry.file))
    for split in made.splits
    for entry in made.filled_shards(split)
  ]
  chosen = sorted({index * len(shards) // count for index in range(count)}) if shards else []
  each = -(-count // max(1, len(chosen)))
  for index in chosen:
    split, path = shards[index]
    for serialized in tf.data.TFRecordDataset(path).take(each).as_numpy_iterator():
      yield split, schema.from_example(serialized, made.clean_encoding)


def _problem(path, entry):
  count = 0
  try:
    for _ in tf.data.TFRecordDataset(path):
      count += 1
  except tf.errors.DataLossError as error:
    return f"{path} is damaged after {count} of {entry.count} records: {error.message}."
  except tf.errors.OpError as error:
    return f"{path} cannot be read: {error.message}."
  if count != entry.count:
    return f"{path} has {count} records, {manifest.NAME} says {entry.count}."
  return ""
