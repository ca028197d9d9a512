"""The distribution of every decision, over thousands of crops of one tile."""

import itertools

import numpy as np
import pytest
from scipy import stats
import tensorflow as tf

from deblock.pipeline import config as config_lib
from deblock.pipeline import decisions, distributions
from deblock.records.jpeg import encoders as jpeg_encoders
from deblock.records.jpeg import tables as jpeg_tables

_COUNT = 4000


def _config(**changes):
  settings = {
    "degradation": "online",
    "crop_size": 24,
    "crops_per_tile": _COUNT,
    "mixed_tiles": 1,
    "batch_size": _COUNT,
  }
  return config_lib.InputConfig(**{**settings, **changes})


def _draw(side=96, seed=1, index=5, **changes):
  """Returns decisions as arrays."""
  made = decisions.draw(_config(**changes), side, side, seed, tf.constant(index, tf.int64))
  return decisions.Decisions(*(field.numpy() for field in made))


def _assert_uniform(values, possible):
  """Checks that the rows of `values` are all of the possible ones, each with equal chance."""
  found = list(map(tuple, np.reshape(values, [len(values), -1]).tolist()))
  possible = [place if isinstance(place, tuple) else (place,) for place in possible]
  assert set(found) == set(possible)
  assert stats.chisquare([found.count(place) for place in possible]).pvalue > 1e-3


def _assert_share(values, share):
  assert stats.binomtest(int(np.sum(values)), len(values), share).pvalue > 1e-3


def _assert_even(values, smallest, largest):
  assert stats.kstest(values, stats.uniform(smallest, largest - smallest).cdf).pvalue > 1e-3


def test_without_shares_a_crop_is_compressed_once_at_its_quality():
  made = _draw()
  for happens in (made.gray, made.reordered, made.toned, made.resized, made.misaligned):
    assert (happens.dtype, happens.any()) == (bool, False)
  assert not made.first.any()
  assert not made.grid_shift.any()
  assert not made.crop_shift.any()
  assert not made.way.any()
  assert decisions.ways(_config()) == (decisions.Way("420"),)
  np.testing.assert_array_equal(made.tables, jpeg_tables.all_quantization_tables()[made.quality])


@pytest.mark.parametrize(
  ("share", "field"),
  [
    ("gray_share", "gray"),
    ("channel_order_share", "reordered"),
    ("tone_share", "toned"),
    ("resize_share", "resized"),
    ("misaligned_share", "misaligned"),
    ("double_share", "first"),
  ],
)
def test_as_many_crops_as_their_share_says(share, field):
  for chance in (0.1, 0.7):
    _assert_share(getattr(_draw(**{share: chance}), field) > 0, chance)
  assert (getattr(_draw(**{share: 1.0}), field) > 0).all()


def test_crops_decide_independently_of_each_other_and_of_other_decisions():
  made = _draw(gray_share=0.5, tone_share=0.5, misaligned_share=0.5)
  for one, other in itertools.combinations((made.gray, made.toned, made.misaligned), 2):
    _assert_uniform(np.stack([one, other], 1), list(itertools.product((False, True), repeat=2)))
  # Neighbours in the stack, which come from one draw.
  _assert_uniform(made.gray.reshape(-1, 2), list(itertools.product((False, True), repeat=2)))


def test_a_raised_share_leaves_other_decisions_as_they_were():
  before = _draw(gray_share=0.3, misaligned_share=0.2)
  after = _draw(gray_share=0.3, misaligned_share=0.6, tone_share=0.5, online_subsampling="444")
  for field in ("gray", "quality", "order", "contrast", "scale"):
    np.testing.assert_array_equal(getattr(before, field), getattr(after, field))
  assert (after.misaligned >= before.misaligned).all()


def test_grids_are_shifted_by_0_to_7_pixels_in_each_axis():
  made = _draw(double_share=0.8)
  double = made.first > 0
  _assert_uniform(made.grid_shift[double], list(itertools.product(range(8), repeat=2)))
  assert not made.grid_shift[~double].any()
  few = _draw(double_share=1.0, double_largest_shift=1)
  _assert_uniform(few.grid_shift, list(itertools.product(range(2), repeat=2)))
  assert not _draw(double_share=1.0, double_largest_shift=0).grid_shift.any()


def test_misaligned_crops_are_shifted_in_all_ways_but_none():
  made = _draw(misaligned_share=0.8)
  shifts = list(itertools.product(range(8), repeat=2))[1:]
  _assert_uniform(made.crop_shift[made.misaligned], shifts)
  assert not made.crop_shift[~made.misaligned].any()


def test_the_first_jpeg_has_a_distribution_of_its_own_or_the_second_ones():
  own = _draw(double_share=1.0, double_qualities="80,90", online_qualities="10-19")
  _assert_uniform(own.first, (80, 90))
  _assert_uniform(own.quality, range(10, 20))
  same = _draw(resize_share=1.0, online_qualities="10-13")
  _assert_uniform(
    np.stack([same.first, same.quality], 1), list(itertools.product(range(10, 14), repeat=2))
  )


def test_scale_contrast_and_brightness_are_even_within_their_ranges():
  made = _draw(
    tone_share=1.0, tone_contrast=0.3, tone_brightness=0.2, resize_smallest=0.7, resize_largest=1.2
  )
  _assert_even(made.scale, 0.7, 1.2)
  _assert_even(made.contrast, 0.7, 1.3)
  _assert_even(made.brightness, -51.0, 51.0)


def test_a_range_may_be_one_value():
  made = _draw(tone_contrast=0.0, tone_brightness=0.0, resize_smallest=0.7, resize_largest=0.7)
  assert (made.contrast == 1.0).all()
  assert (made.brightness == 0.0).all()
  assert (made.scale == np.float32(0.7)).all()


def test_orders_of_channels_have_equal_chance():
  _assert_uniform(_draw().order, list(itertools.permutations(range(3))))


def test_ways_have_the_chances_of_subsampling_tables_and_clean_crops():
  settings = {
    "online_subsampling": "0.5*420+0.3*422+0.2*444",
    "encoder_tables_share": 0.4,
    "clean_share": 0.1,
  }
  made, ways = _draw(**settings), decisions.ways(_config(**settings))
  chances = dict(zip(distributions.SUBSAMPLINGS, (0.5, 0.3, 0.2), strict=True))
  expected = [
    0.1 if not way.subsampling else 0.9 * chances[way.subsampling] * (0.4, 0.6)[not way.by_encoder]
    for way in ways
  ]
  assert len(set(ways)) == 7
  assert sum(expected) == pytest.approx(1.0)
  counts = np.bincount(made.way, minlength=7)
  assert stats.chisquare(counts, _COUNT * np.array(expected)).pvalue > 1e-3


def test_encoders_have_equal_chance_and_tables_of_the_quality_that_was_drawn():
  made = _draw(encoder_tables_share=1.0, online_qualities="30")
  tables = [jpeg_encoders.quantization_tables(name, 30) for name in jpeg_encoders.ENCODERS]
  found = [
    next(number for number, steps in enumerate(tables) if np.array_equal(steps, row))
    for row in made.tables
  ]
  _assert_uniform(np.array(found), range(len(tables)))
  nearest = [jpeg_encoders.nearest_quality(tables[number]) for number in found]
  np.testing.assert_array_equal(made.quality, nearest)


def test_tables_are_the_standards_where_they_are_not_an_encoders():
  made = _draw(encoder_tables_share=0.3)
  ways = decisions.ways(_config(encoder_tables_share=0.3))
  own = np.array([ways[way].by_encoder for way in made.way])
  _assert_share(own, 0.3)
  standard = jpeg_tables.all_quantization_tables()[made.quality]
  np.testing.assert_array_equal(made.tables[~own], standard[~own])
  assert (made.tables[own] != standard[own]).any(axis=(1, 2, 3)).mean() > 0.95


def test_a_clean_crop_has_no_history():
  shares = {"resize_share": 0.5, "double_share": 0.5, "misaligned_share": 0.5}
  made = _draw(clean_share=0.4, encoder_tables_share=0.5, **shares)
  clean = (made.quality == 100) & (made.tables == 1).all(axis=(1, 2, 3)) & (made.way == 0)
  _assert_share(clean, 0.4)
  assert not made.first[clean].any()
  assert not made.resized[clean].any()
  assert not made.misaligned[clean].any()
  _assert_share(made.misaligned[~clean], 0.5)


def test_a_resized_crop_has_a_first_jpeg_and_an_unshifted_grid():
  made = _draw(resize_share=0.5, double_share=0.5)
  assert (made.first[made.resized] > 0).all()
  assert not made.grid_shift[made.resized].any()
  _assert_share(made.first[~made.resized] > 0, 0.5)


def test_crops_without_surroundings_stand_where_they_would_without_the_others():
  alone = _draw()
  made = _draw(double_share=0.5)
  single = made.first == 0
  np.testing.assert_array_equal(made.places[single], alone.places[single])
  # 96 leaves 10 places for 24 pixels, and 9 for 32.
  _assert_uniform(made.places[single], [(8 * r, 8 * c) for r in range(10) for c in range(10)])
  _assert_uniform(made.places[~single], [(8 * r, 8 * c) for r in range(9) for c in range(9)])


def test_places_may_be_on_the_grid_of_chroma():
  made = _draw(crop_grid=16, double_share=0.5)
  assert not (made.places % 16).any()
  assert len(np.unique(made.places, axis=0)) == 25


@pytest.mark.parametrize(
  ("changes", "sides"),
  [
    ({}, (24, 24, 24, 0, 24)),
    ({"misaligned_share": 0.1}, (24, 32, 32, 0, 32)),
    ({"double_share": 0.1}, (24, 24, 32, 0, 32)),
    ({"double_share": 0.1, "double_largest_shift": 0}, (24, 24, 24, 0, 24)),
    ({"double_share": 0.1, "misaligned_share": 0.1}, (24, 32, 40, 0, 40)),
    ({"resize_share": 0.1}, (24, 24, 24, 48, 48)),
    ({"resize_share": 0.1, "misaligned_share": 0.1}, (24, 32, 32, 64, 64)),
    ({"resize_share": 0.1, "resize_smallest": 2.0, "resize_largest": 3.0}, (24, 24, 24, 16, 24)),
  ],
)
def test_no_more_is_cut_than_a_crop_needs(changes, sides):
  assert decisions.sizes(_config(**changes)) == sides


def test_surroundings_larger_than_the_tile_are_an_error_alone_and_inside_a_dataset():
  changes = {"resize_share": 0.1, "crops_per_tile": 4, "batch_size": 4}
  assert _draw(side=48, **changes).places.shape == (4, 2)
  message = "crop_size is larger than a tile of the records: cropping takes 48 pixels"
  with pytest.raises(tf.errors.InvalidArgumentError, match=message):
    _draw(side=40, **changes)
  dataset = tf.data.Dataset.from_tensors(40).map(
    lambda side: decisions.draw(_config(**changes), side, side, 0, 0)
  )
  with pytest.raises(tf.errors.InvalidArgumentError, match=message):
    next(iter(dataset))


def test_seed_and_tile_decide_alone_and_inside_a_dataset():
  changes = {
    "crops_per_tile": 40,
    "batch_size": 40,
    "clean_share": 0.2,
    "encoder_tables_share": 0.2,
    "misaligned_share": 0.2,
    "double_share": 0.4,
    "resize_share": 0.4,
    "online_subsampling": "420,422",
  }
  config = _config(**changes)
  dataset = tf.data.Dataset.range(5, 7).map(lambda index: decisions.draw(config, 96, 96, 1, index))
  first, second = dataset.as_numpy_iterator()
  for field, inside in zip(_draw(**changes), first, strict=True):
    np.testing.assert_array_equal(field, inside)
  for field, inside in zip(_draw(index=6, **changes), second, strict=True):
    np.testing.assert_array_equal(field, inside)
  assert all((one != other).any() for one, other in zip(first[8:12], second[8:12], strict=True))
