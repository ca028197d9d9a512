import itertools

import numpy as np
import pytest
from scipy import stats
import tensorflow as tf

from deblock.pipeline import seeds, source

COUNTS = (3, 1, 2, 5, 1, 1, 4, 2, 3, 1, 2)  # Groups of four shards, and one of three.


@pytest.fixture(scope="module")
def numbered(tmp_path_factory):
  """Eleven shards of records that are nothing but numbers, 0 to 24."""
  folder, numbers, paths = tmp_path_factory.mktemp("numbered"), itertools.count(), []
  for shard, count in enumerate(COUNTS):
    paths.append(str(folder / str(shard)))
    with tf.io.TFRecordWriter(paths[-1]) as writer:
      for _ in range(count):
        writer.write(str(next(numbers)))
  return source.Shards(tuple(paths), COUNTS)


def _numbers(dataset, count=-1):
  return [int(record) for record in dataset.take(count).as_numpy_iterator()]


def _tiles(dataset, count):
  return [(int(index), int(record)) for index, record in dataset.take(count).as_numpy_iterator()]


def _epoch(records, seed, epoch, shuffled_tiles=4):
  shards = source.Shards(records.manifest.shard_paths("train"), (3, 2, 2))
  dataset = source.training_records(shards, shuffled_tiles, seed, tf.constant(epoch, tf.int64))
  return list(dataset.as_numpy_iterator())


def _stored(records):
  return list(source.stored_records(records.manifest.shard_paths("train")).as_numpy_iterator())


def test_an_epoch_holds_each_record_once(records):
  stored = _stored(records)
  assert len(stored) == 7
  for shuffled_tiles in (1, 4, 7, 100):
    assert sorted(_epoch(records, 0, 0, shuffled_tiles)) == sorted(stored)


def test_the_order_depends_on_seed_and_epoch_alone(records):
  orders = [
    tuple(_epoch(records, seed, epoch, 100)) for seed in range(3) for epoch in (0, 1, 2**40)
  ]
  assert tuple(_epoch(records, 0, 0, 100)) == orders[0]
  assert len(set(orders)) == len(orders)


def test_the_epoch_may_be_a_tensor_of_a_dataset(records):
  shards = source.Shards(records.manifest.shard_paths("train"), (3, 2, 2))
  dataset = tf.data.Dataset.range(2).flat_map(
    lambda epoch: source.training_records(shards, 4, 3, epoch)
  )
  expected = _epoch(records, 3, 0) + _epoch(records, 3, 1)
  assert list(dataset.as_numpy_iterator()) == expected


@pytest.mark.parametrize("shuffled_tiles", [4, 7, 100])
def test_an_epoch_can_be_entered_at_any_record(numbered, shuffled_tiles):
  whole = _numbers(source.training_records(numbered, shuffled_tiles, 5, 0))
  assert sorted(whole) == list(range(25))
  # One dataset of all entries: each would take a second to build.
  entered = tf.data.Dataset.range(25).flat_map(
    lambda first: source.training_records(numbered, shuffled_tiles, 5, 0, first)
  )
  assert _numbers(entered) == [number for first in range(25) for number in whole[first:]]


def test_groups_of_shards_that_are_passed_over_are_not_opened(numbered):
  shard_of = [shard for shard, count in enumerate(COUNTS) for _ in range(count)]
  whole = _numbers(source.training_records(numbered, 1, 0, 0))
  # Unshuffled, so that the first records tell which shards are the first group.
  first_group = list(dict.fromkeys(shard_of[number] for number in whole))[:4]
  passed = sum(COUNTS[shard] for shard in first_group)
  gone = tuple(
    "nowhere" if shard in first_group else path for shard, path in enumerate(numbered.paths)
  )
  lacking = source.Shards(gone, COUNTS)
  assert _numbers(source.training_records(lacking, 1, 0, 0, passed)) == whole[passed:]
  with pytest.raises(tf.errors.NotFoundError, match="nowhere"):
    _numbers(source.training_records(lacking, 1, 0, 0, passed - 1))


def test_shards_that_give_nothing_are_as_if_they_were_not_there(numbered):
  kept = [index for index in range(len(COUNTS)) if index not in (0, 6, 7)]
  few = source.Shards(
    tuple(numbered.paths[index] for index in kept), tuple(COUNTS[index] for index in kept)
  )
  emptied = source.Shards(
    tuple(path if index in kept else "nowhere" for index, path in enumerate(numbered.paths)),
    tuple(count if index in kept else 0 for index, count in enumerate(COUNTS)),
  )
  for first in (0, 16):
    expected = _tiles(source.tiles(few, 4, 9, first), 40)
    assert _tiles(source.tiles(emptied, 4, 9, first), 40) == expected
    assert _tiles(source.stretches(emptied, 4, 9, first, 2), 40) == expected


def test_shards_are_read_as_they_say_and_by_their_own_places(numbered):
  def every_second(index, path):
    records = tf.data.TFRecordDataset(path).enumerate()
    chosen = records.filter(lambda number, record: number % 2 == 0)
    return chosen.map(lambda number, record: (index, record))

  halves = source.Shards(numbered.paths, tuple((count + 1) // 2 for count in COUNTS), every_second)
  firsts = [sum(COUNTS[:shard]) for shard in range(len(COUNTS))]
  expected = [
    (shard, record)
    for shard, count in enumerate(COUNTS)
    for record in range(firsts[shard], firsts[shard] + count, 2)
  ]
  whole = [
    (int(index), int(record))
    for index, record in source.training_records(halves, 4, 5, 0).as_numpy_iterator()
  ]
  assert sorted(whole) == expected != whole
  entered = source.training_records(halves, 4, 5, 0, 9).as_numpy_iterator()
  assert [(int(index), int(record)) for index, record in entered] == whole[9:]


def test_neighbours_come_from_different_shards(numbered):
  shard_of = [shard for shard, count in enumerate(COUNTS) for _ in range(count)]
  for epoch in range(5):
    first = _numbers(source.training_records(numbered, 1, 0, epoch), 4)
    assert len({shard_of[number] for number in first}) == 4


def test_the_stream_of_tiles_is_epoch_after_epoch(numbered):
  epochs = [_numbers(source.training_records(numbered, 4, 9, epoch)) for epoch in range(3)]
  assert epochs[0] != epochs[1] != epochs[2]
  expected = list(enumerate(itertools.chain(*epochs)))
  assert _tiles(source.tiles(numbered, 4, 9, 0), 75) == expected
  for first in (1, 24, 25, 49, 50, 74):
    assert _tiles(source.tiles(numbered, 4, 9, first), 75 - first) == expected[first:]


def test_far_into_the_stream_is_no_further_than_its_start(numbered):
  far = 25 * 10**15 + 7
  epoch = _numbers(source.training_records(numbered, 4, 9, 10**15))
  found = _tiles(source.tiles(numbered, 4, 9, far), 18)
  assert found == list(enumerate(epoch[7:], far))


@pytest.mark.parametrize("window", [2, 40])
def test_stretches_one_after_the_other_are_the_stream(numbered, window):
  for first in (0, 3 * window):
    stretches = source.stretches(numbered, 4, 9, first, window)
    assert _tiles(stretches, 90) == _tiles(source.tiles(numbered, 4, 9, first), 90)


def test_stored_records_keep_their_order(records):
  paths = records.manifest.shard_paths("train")
  keys = [
    tf.train.Example.FromString(record).features.feature["key"].bytes_list.value[0]
    for record in source.stored_records(paths).as_numpy_iterator()
  ]
  assert keys == [b"%03d.png/0/0" % number for number in range(7)]
  assert not list(source.stored_records([]))


def test_shuffling_permutes_each_run_of_its_own():
  dataset = source.shuffled(tf.data.Dataset.range(100), 40, seeds.derive(0))
  order = list(dataset.as_numpy_iterator())
  runs = order[:40], order[40:80], order[80:]
  for start, run in zip((0, 40, 80), runs, strict=True):
    assert sorted(run) == list(range(start, start + len(run)))
    assert run != sorted(run)
  assert [value - 40 for value in runs[1]] != runs[0]


def test_all_orders_of_a_run_have_equal_chance():
  dataset = source.shuffled(tf.data.Dataset.range(4).repeat(2400), 4, seeds.derive(2))
  orders = np.reshape(list(dataset.as_numpy_iterator()), (2400, 4))
  found, counts = np.unique(orders, axis=0, return_counts=True)
  assert list(map(tuple, found)) == list(itertools.permutations(range(4)))
  assert stats.chisquare(counts).pvalue > 1e-3


def test_shuffling_keeps_the_parts_of_an_element_together():
  numbers = tf.data.Dataset.range(20)
  dataset = source.shuffled(numbers.map(lambda number: (number, -number)), 20, seeds.derive(7))
  pairs = list(dataset.as_numpy_iterator())
  assert all(first == -second for first, second in pairs)
  assert sorted(first for first, _ in pairs) == list(range(20))


def test_the_seed_decides_the_shuffling():
  orders = [
    list(source.shuffled(tf.data.Dataset.range(20), 20, seeds.derive(seed)).as_numpy_iterator())
    for seed in (1, 1, 2)
  ]
  assert orders[0] == orders[1] != orders[2]
