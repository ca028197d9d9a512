"""A photograph, and small folders of records written without Beam."""

import dataclasses
import pathlib

import numpy as np
from PIL import Image
import pytest
import tensorflow as tf

from deblock.records import codec, files, schema, sources, triple
from deblock.records import manifest as manifest_lib

QUALITIES = (10, 30)


def _photograph(height, width, number=0):
  """Returns a crop of a real photograph with a little noise, uint8 [height, width, 3]."""
  path = next(image.path for image in sources.packaged() if image.id == "coffee.png")
  with Image.open(path) as picture:
    pixels = np.array(picture.convert("RGB"))
  top, left = 20 + 13 * number, 40 + 29 * number
  crop = pixels[top : top + height, left : left + width].astype(np.int64)
  noise = np.random.default_rng(number).integers(-12, 13, crop.shape)
  return np.clip(crop + noise, 0, 255).astype(np.uint8)


@dataclasses.dataclass(frozen=True)
class Records:
  """A manifest, and the clean tiles of each split in the order in which they were written."""

  manifest: manifest_lib.Manifest
  tiles: dict[str, list[np.ndarray]]


def _write_records(folder: pathlib.Path, counts, size=(48, 64), qualities=QUALITIES, keys=None):
  """Writes shards of as many tiles as `counts` says, split to list of int, and returns Records."""
  splits, tiles, number = {}, {}, 0
  for split, shards in counts.items():
    entries, tiles[split] = [], []
    for index, count in enumerate(shards):
      name = f"deblock-{split}.tfrecord-{index:05d}-of-{len(shards):05d}"
      with tf.io.TFRecordWriter(str(folder / name)) as writer:
        for _ in range(count):
          clean = _photograph(*size, number)
          compressed = tuple(codec.encode(clean, quality) for quality in qualities)
          key = f"{number:03d}.png/0/0" if keys is None else keys[number]
          value = triple.PatchTriple(clean, compressed, qualities, key)
          writer.write(schema.to_example(value))
          tiles[split].append(clean)
          number += 1
      bytes_in_file = files.size_bytes(str(folder / name))
      entries.append(manifest_lib.ShardEntry(name, count, bytes_in_file, ""))
    splits[split] = tuple(entries)
  made = manifest_lib.Manifest(
    {"qualities": qualities, "tile_size": 0}, splits, (), (), folder=str(folder)
  )
  return Records(made, tiles)


@pytest.fixture(scope="session")
def photograph():
  """The function (height, width, number=0) -> uint8 [height, width, 3]."""
  return _photograph


@pytest.fixture(scope="session")
def write_records():
  """The function (folder, counts, size=..., qualities=..., keys=None) -> Records."""
  return _write_records


@pytest.fixture(scope="session")
def records(tmp_path_factory):
  """Seven training tiles in three shards and three test tiles in one, of 48x64 pixels."""
  return _write_records(tmp_path_factory.mktemp("records"), {"train": [3, 2, 2], "test": [3]})


@pytest.fixture(scope="session")
def whole_tiles(tmp_path_factory):
  """Records whose tiles are as large as the crops of 32 pixels, which tells them apart."""
  folder = tmp_path_factory.mktemp("whole")
  return _write_records(folder, {"train": [3, 2, 2], "test": [2]}, size=(32, 32))
