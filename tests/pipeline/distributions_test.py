import collections

import numpy as np
import pytest
from scipy import stats
import tensorflow as tf

from deblock.pipeline import distributions, seeds


def _nonzero(text):
  chances = distributions.of_qualities(text)
  assert chances.shape == (101,)
  assert chances.sum() == pytest.approx(1.0)
  return {quality: chances[quality] for quality in np.flatnonzero(chances)}


def test_a_list_gives_each_of_its_qualities_the_same_chance():
  assert _nonzero("10,20,30,40") == pytest.approx(dict.fromkeys((10, 20, 30, 40), 0.25))
  assert _nonzero("5-95") == pytest.approx(dict.fromkeys(range(5, 96), 1 / 91))
  assert _nonzero("77") == {77: 1.0}


def test_a_quality_that_is_named_twice_has_twice_the_chance():
  assert _nonzero("10,10,20") == pytest.approx({10: 2 / 3, 20: 1 / 3})


def test_lists_are_mixed_by_their_weights():
  assert _nonzero("3*10+1*20,30") == pytest.approx({10: 0.75, 20: 0.125, 30: 0.125})
  assert _nonzero("10+20") == pytest.approx({10: 0.5, 20: 0.5})
  assert _nonzero("0*10+.5*20") == {20: 1.0}


def test_fbcnn_takes_three_in_four_from_six_qualities_and_the_rest_from_a_range():
  expected = dict.fromkeys(range(8, 97), 0.25 / 89)
  for quality in (10, 20, 30, 40, 50, 60):
    expected[quality] += 0.75 / 6
  assert _nonzero("fbcnn") == pytest.approx(expected)


@pytest.mark.parametrize(
  ("text", "message"),
  [
    ("", "online_qualities must be like 5-95"),
    ("0.5*", "online_qualities must be like 5-95"),
    ("10+", "online_qualities must be like 5-95"),
    ("2*3*10", "online_qualities must be like 5-95"),
    ("-1*10", "online_qualities must be"),
    ("ten", "online_qualities must be whole numbers or ranges .*, got 'ten'"),
    ("0-50", r"each of online_qualities must be an integer in \[1, 100\], got 0"),
    ("90-101", r"each of online_qualities must be an integer in \[1, 100\], got 101"),
    ("0*10", "online_qualities must have a weight above 0"),
  ],
)
def test_what_is_no_distribution_is_named(text, message):
  with pytest.raises(ValueError, match=message):
    distributions.of_qualities(text)


@pytest.mark.parametrize("text", ["10,20,30,40", "5-95", "fbcnn", "3*10+1*100"])
def test_what_is_drawn_has_the_distribution(text):
  chances = distributions.of_qualities(text)
  count = 20_000
  drawn = distributions.draw(chances, count, seeds.derive(5, 7)).numpy()
  assert drawn.dtype == np.int32
  found = collections.Counter(drawn.tolist())
  possible = np.flatnonzero(chances)
  assert set(found) <= set(possible.tolist())
  observed = [found[quality] for quality in possible.tolist()]
  assert stats.chisquare(observed, count * chances[possible]).pvalue > 1e-3


def test_one_quality_is_always_drawn():
  drawn = distributions.draw(distributions.of_qualities("100"), 50, seeds.derive(0))
  assert set(drawn.numpy().tolist()) == {100}


def test_the_draw_is_the_same_alone_and_inside_a_dataset():
  chances = distributions.of_qualities("5-95")
  alone = distributions.draw(chances, 9, seeds.derive(1, 4))
  dataset = tf.data.Dataset.range(4, 5).map(
    lambda index: distributions.draw(chances, 9, seeds.derive(1, index))
  )
  assert next(dataset.as_numpy_iterator()).tolist() == alone.numpy().tolist()


@pytest.mark.parametrize(
  ("text", "chances"),
  [
    ("420", [1, 0, 0]),
    ("444,420", [0.5, 0, 0.5]),
    ("0.6*420+0.2*422+0.2*444", [0.6, 0.2, 0.2]),
    ("3*420 + 1*422,444", [0.75, 0.125, 0.125]),
    ("0*420+422", [0, 1, 0]),
  ],
)
def test_chances_of_subsamplings_are_those_of_the_text(text, chances):
  assert distributions.of_subsamplings(text) == pytest.approx(chances)


@pytest.mark.parametrize(
  ("text", "message"),
  [
    ("", "online_subsampling must be like 420 or"),
    ("420+", "online_subsampling must be like 420 or"),
    ("411", "subsampling must be one of 420, 422, 444, got '411'"),
    ("4:2:0", "subsampling must be one of 420, 422, 444, got '4:2:0'"),
    ("420,", "subsampling must be one of 420, 422, 444, got ''"),
    ("0*420", "online_subsampling must have a weight above 0, got '0"),
  ],
)
def test_what_is_no_subsampling_is_named(text, message):
  with pytest.raises(ValueError, match=message):
    distributions.of_subsamplings(text)


def test_drawn_subsamplings_have_the_distribution():
  chances = distributions.of_subsamplings("0.6*420+0.3*422+0.1*444")
  drawn = distributions.draw(chances, 4000, seeds.derive(3, 1)).numpy()
  assert stats.chisquare(np.bincount(drawn, minlength=3), 4000 * chances).pvalue > 1e-3
