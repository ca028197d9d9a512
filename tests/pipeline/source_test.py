import itertools

import numpy as np
from scipy import stats
import tensorflow as tf

from deblock.pipeline import seeds, source


def _epoch(records, seed, epoch, shuffled_tiles=4):
  paths = records.manifest.shard_paths("train")
  dataset = source.training_records(paths, shuffled_tiles, seed, tf.constant(epoch, tf.int64))
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
  paths = records.manifest.shard_paths("train")
  dataset = tf.data.Dataset.range(2).flat_map(
    lambda epoch: source.training_records(paths, 4, 3, epoch)
  )
  expected = _epoch(records, 3, 0) + _epoch(records, 3, 1)
  assert list(dataset.as_numpy_iterator()) == expected


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
