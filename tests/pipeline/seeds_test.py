import itertools

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
