"""How hosts share the records: `tf.distribute.InputContext` gives each its number."""

import collections

import numpy as np
import pytest

from deblock.pipeline import config as config_lib
from deblock.pipeline import dataset

SHARDS = (2, 1, 3, 0, 1, 2)  # One is empty, and stands for no host.


@pytest.fixture(scope="module")
def uneven(tmp_path_factory, write_records):
  return write_records(tmp_path_factory.mktemp("uneven"), {"train": SHARDS}, size=(32, 32))


@pytest.fixture(scope="module")
def shard_of(uneven):
  """The shard of each tile, by its bytes."""
  shards = [shard for shard, count in enumerate(SHARDS) for _ in range(count)]
  return {tile.tobytes(): shard for tile, shard in zip(uneven.tiles["train"], shards, strict=True)}


def _tiles(records, host, hosts, count):
  """Returns the bytes of the first tiles of a host's stream, whole tiles as crops."""
  config = config_lib.InputConfig(
    crop_size=32, batch_size=1, crops_per_tile=1, mixed_tiles=1, shuffled_tiles=4, augment=False
  )
  batches = dataset.training_dataset(config, records.manifest, 0, host=host, hosts=hosts)
  return [np.rint(made.clean[0] * 255.0).astype(np.uint8).tobytes() for made in batches.take(count)]


def test_each_shard_is_read_by_one_host_and_all_of_it(uneven, shard_of):
  hosts = 3
  readers, seen = collections.defaultdict(set), []
  for host in range(hosts):
    once = list(dict.fromkeys(_tiles(uneven, host, hosts, 2 * sum(SHARDS))))
    seen += once
    for tile in once:
      readers[shard_of[tile]].add(host)
  assert sorted(seen) == sorted(shard_of)
  assert all(len(hosts_of_shard) == 1 for hosts_of_shard in readers.values())


def test_a_host_with_fewer_records_begins_its_next_epoch_alone(uneven):
  # Shards of 2, 3 and 2 records, and of 1 and 1.
  many, few = _tiles(uneven, 0, 2, 14), _tiles(uneven, 1, 2, 14)
  assert set(collections.Counter(many).values()) == {2}
  assert set(collections.Counter(few).values()) == {7}
  assert not set(many) & set(few)
  for epoch in range(7):
    assert len(set(few[2 * epoch : 2 * epoch + 2])) == 2


def test_more_hosts_than_shards_that_hold_records_are_refused(uneven):
  with pytest.raises(ValueError, match=r"5 training shards for 6 hosts, .* --shards=6 or more"):
    _tiles(uneven, 0, 6, 1)
