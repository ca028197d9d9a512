"""The stream whose JPEGs are made on the way; what both ways share is in dataset_test.py."""

import itertools

import numpy as np
import pytest

from deblock.pipeline import batch as batch_lib
from deblock.pipeline import config as config_lib
from deblock.pipeline import dataset
from deblock.records.jpeg import codec
from deblock.records.jpeg import tables as jpeg_tables


def _config(**changes):
  settings = {
    "batch_size": 4,
    "crop_size": 24,
    "crops_per_tile": 4,
    "mixed_tiles": 2,
    "shuffled_tiles": 4,
    "degradation": "online",
    "online_qualities": "5-95",
  }
  return config_lib.InputConfig(**{**settings, **changes})


def _take(config, records, count, seed=0, **options):
  batches = dataset.training_dataset(config, records.manifest, seed, **options)
  return [batch_lib.Batch(*made) for made in batches.take(count).as_numpy_iterator()]


def _levels(images):
  """Returns the uint8 pixels behind float ones."""
  return np.rint(images * 255.0).astype(np.uint8)


@pytest.mark.parametrize("augment", [False, True])
def test_each_crop_is_the_jpeg_of_its_clean_side(records, augment):
  (made,) = _take(_config(augment=augment), records, 1)
  clean, compressed = _levels(made.clean), _levels(made.compressed)
  for index, quality in enumerate(made.quality.tolist()):
    expected = codec.decode(codec.encode(clean[index], quality))
    np.testing.assert_array_equal(compressed[index], expected)
    np.testing.assert_array_equal(made.tables[index], jpeg_tables.quantization_tables(quality))
  assert len(set(made.quality.tolist())) > 1


def test_the_clean_side_is_that_of_the_stored_stream(records):
  """The way of damage changes no other decision."""
  online = _take(_config(), records, 2, seed=3)
  stored = _take(_config(degradation="stored"), records, 2, seed=3)
  for one, other in zip(online, stored, strict=True):
    np.testing.assert_array_equal(one.clean, other.clean)


def test_a_tile_seen_again_is_compressed_otherwise(records):
  qualities = [made.quality.tolist() for made in _take(_config(), records, 14)]
  assert len({tuple(one) for one in qualities}) > 10
  assert len(set(itertools.chain(*qualities))) > 20
