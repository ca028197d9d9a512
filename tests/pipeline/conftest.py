"""A photograph, and small folders of records written without Beam."""

import dataclasses
import functools
import pathlib

import numpy as np
import pytest
import tensorflow as tf

from deblock.pipeline import batch
from deblock.records.jpeg import codec
from deblock.records.layout import files, schema, triple
from deblock.records.layout import manifest as manifest_lib

QUALITIES = (10, 30)


@dataclasses.dataclass(frozen=True)
class Records:
  """A manifest, and the clean tiles of each split in the order in which they were written."""

  manifest: manifest_lib.Manifest
  tiles: dict[str, list[np.ndarray]]


def _write_records(
  photograph,
  folder: pathlib.Path,
  counts,
  size=(48, 64),
  qualities=QUALITIES,
  keys=None,
  clean_encoding="raw",
):
  """Writes shards of as many tiles as `counts` says, split to list of int, and returns Records."""
  splits, tiles, number = {}, {}, 0
  for split, shards in counts.items():
    entries, tiles[split] = [], []
    for index, count in enumerate(shards):
      name = f"deblock-{split}.tfrecord-{index:05d}-of-{len(shards):05d}"
      with tf.io.TFRecordWriter(str(folder / name)) as writer:
        for _ in range(count):
          clean = photograph(*size, number)
          compressed = tuple(codec.encode(clean, quality) for quality in qualities)
          key = f"{number:03d}.png/0/0" if keys is None else keys[number]
          value = triple.PatchTriple(clean, compressed, qualities, key)
          writer.write(schema.to_example(value, clean_encoding))
          tiles[split].append(clean)
          number += 1
      bytes_in_file = files.size_bytes(str(folder / name))
      entries.append(manifest_lib.ShardEntry(name, count, bytes_in_file))
    splits[split] = tuple(entries)
  settings = {
    "qualities": qualities,
    "qualities_per_tile": 0,
    "tile_size": 0,
    "clean_encoding": clean_encoding,
  }
  made = manifest_lib.Manifest(settings, splits, (), (), folder=str(folder))
  return Records(made, tiles)


@pytest.fixture(scope="session")
def batch_spec():
  """The function (batch size, side of a crop, dtype) that returns the tf.TensorSpec of a batch."""

  def spec(batch_size, size, dtype=tf.float32):
    return batch.Batch(
      compressed=tf.TensorSpec((batch_size, size, size, 3), dtype),
      clean=tf.TensorSpec((batch_size, size, size, 3), dtype),
      quality=tf.TensorSpec((batch_size,), tf.int32),
      tables=tf.TensorSpec((batch_size, 2, 8, 8), tf.float32),
    )

  return spec


@pytest.fixture(scope="session")
def write_records(photograph):
  """The function (folder, counts, size=..., qualities=..., keys=..., clean_encoding=...)."""
  return functools.partial(_write_records, photograph)


@pytest.fixture(scope="session")
def records(tmp_path_factory, write_records):
  """Seven training tiles in three shards and three test tiles in one, of 48x64 pixels."""
  return write_records(tmp_path_factory.mktemp("records"), {"train": [3, 2, 2], "test": [3]})


@pytest.fixture(scope="session")
def whole_tiles(tmp_path_factory, write_records):
  """Records whose tiles are as large as the crops of 32 pixels, which tells them apart."""
  folder = tmp_path_factory.mktemp("whole")
  return write_records(folder, {"train": [3, 2, 2], "test": [2]}, size=(32, 32))
