import itertools

import numpy as np
import pytest
from scipy import stats
import tensorflow as tf

from deblock.pipeline import seeds

_DECISIONS = (seeds.ORDER, seeds.QUALITY, seeds.OFFSETS, seeds.MIX, seeds.SYMMETRY)


def test_every_run_position_and_decision_has_a_seed_of_its_own():
  places = list(itertools.product((0, 1, 7, 2**40), range(6), _DECISIONS))
  derived = [tuple(seeds.derive(*place).numpy()) for place in places]
  assert len(set(derived)) == len(places)


def test_the_order_of_the_path_matters():
  assert tuple(seeds.derive(3, 1, 2).numpy()) != tuple(seeds.derive(3, 2, 1).numpy())


def test_the_numbers_of_the_decisions_stay_as_they_were():
  assert _DECISIONS == (0, 1, 2, 3, 4)
  assert (seeds.SUBSAMPLING, seeds.MISALIGN, seeds.REORDER, seeds.REGION) == (16, 22, 28, 33)


def test_no_two_decisions_share_a_number():
  numbers = [number for name, number in vars(seeds).items() if name.isupper() and name[0] != "_"]
  assert len(numbers) > 20
  assert len(set(numbers)) == len(numbers)


@pytest.mark.parametrize("decision", [seeds.ORDER, seeds.MIX])
def test_orders_at_successive_positions_have_equal_chance(decision):
  """Those of shards in epochs, and of crops in windows."""
  orders = tf.data.Dataset.range(2400).map(
    lambda index: tf.random.experimental.stateless_shuffle(
      tf.range(4), seeds.derive(3, index, decision)
    )
  )
  found, counts = np.unique(list(orders.as_numpy_iterator()), axis=0, return_counts=True)
  assert list(map(tuple, found)) == list(itertools.permutations(range(4)))
  assert stats.chisquare(counts).pvalue > 1e-3


def test_the_same_place_gives_the_same_seed_for_integers_tensors_and_in_a_dataset():
  expected = seeds.derive(5, 9, seeds.MIX)
  assert expected.dtype == tf.int64
  assert expected.shape == (2,)
  tensors = seeds.derive(
    tf.constant(5, tf.int64), tf.constant(9, tf.int64), tf.constant(seeds.MIX, tf.int32)
  )
  dataset = tf.data.Dataset.range(9, 10).map(lambda index: seeds.derive(5, index, seeds.MIX))
  assert tensors.numpy().tolist() == expected.numpy().tolist()
  assert next(iter(dataset)).numpy().tolist() == expected.numpy().tolist()
