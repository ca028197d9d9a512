import collections

import pytest

from deblock.records.planning import config as config_lib
from deblock.records.planning import decisions


def _config(**changes):
  return config_lib.RecordsConfig(records="out", **changes)


KEYS = [f"photo-{number}.png/0/{16 * number}" for number in range(2000)]


def test_by_default_all_qualities_are_stored_in_colour():
  decided = decisions.decide("a/0/0", _config(qualities=(30, 10)))
  assert decided == decisions.Decisions(gray=False, qualities=(30, 10), subsampling="420")


def test_drawn_qualities_differ_and_spread_over_all():
  config = _config(qualities=tuple(range(5, 96)), qualities_per_tile=3)
  counts = collections.Counter()
  for key in KEYS:
    drawn = decisions.decide(key, config).qualities
    assert len(set(drawn)) == 3 and list(drawn) == sorted(drawn)
    counts.update(drawn)
  assert set(counts) == set(config.qualities)
  expected = 3 * len(KEYS) / len(config.qualities)
  assert all(0.5 * expected < count < 1.6 * expected for count in counts.values())


def test_drawing_all_qualities_is_taking_all():
  config = _config(qualities=(10, 20), qualities_per_tile=2)
  assert decisions.decide("a/0/0", config).qualities == (10, 20)


def test_each_subsampling_is_sampled_as_often():
  config = _config(subsampling="sampled")
  counts = collections.Counter(decisions.decide(key, config).subsampling for key in KEYS)
  assert set(counts) == {"444", "422", "420"}
  assert all(0.8 < 3 * count / len(KEYS) < 1.2 for count in counts.values())


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_the_share_of_gray_tiles_holds(share):
  config = _config(gray_share=share)
  gray = sum(decisions.decide(key, config).gray for key in KEYS) / len(KEYS)
  assert abs(gray - share) < 0.03
  assert share not in (0.0, 1.0) or gray == share


def test_decisions_are_independent_of_each_other():
  config = _config(gray_share=0.5, subsampling="sampled", qualities_per_tile=1, qualities=(10, 20))
  counts = collections.Counter(decisions.decide(key, config) for key in KEYS)
  assert len(counts) == 2 * 3 * 2
  assert min(counts.values()) > 0.6 * len(KEYS) / 12


def test_the_seed_changes_what_is_drawn():
  drawn = [
    [decisions.decide(key, _config(gray_share=0.5, seed=seed)).gray for key in KEYS[:50]]
    for seed in (0, 0, 1)
  ]
  assert drawn[0] == drawn[1] != drawn[2]


def test_at_most_so_many_tiles_are_chosen_and_stay_in_order():
  offsets = [(row, column) for row in (0, 16, 32) for column in (0, 16, 32, 48)]
  chosen = decisions.choose_offsets(offsets, "a.png", _config(tiles_per_image=5))
  assert len(set(chosen)) == 5
  assert list(chosen) == sorted(chosen)
  assert set(chosen) < set(offsets)
  assert chosen != decisions.choose_offsets(offsets, "b.png", _config(tiles_per_image=5))
  assert decisions.choose_offsets(offsets, "a.png", _config(tiles_per_image=99)) == tuple(offsets)
  assert decisions.choose_offsets(offsets, "a.png", _config()) == tuple(offsets)


def test_a_larger_limit_keeps_the_tiles_of_a_smaller_one():
  offsets = [(0, 16 * number) for number in range(30)]
  few, many = (
    set(decisions.choose_offsets(offsets, "a.png", _config(tiles_per_image=limit)))
    for limit in (4, 9)
  )
  assert few < many


def test_flat_tiles_are_thinned_out_in_proportion():
  config = _config(min_detail=4.0)
  assert all(decisions.keeps(key, 4.0, config) for key in KEYS)
  kept = sum(decisions.keeps(key, 1.0, config) for key in KEYS) / len(KEYS)
  assert 0.2 < kept < 0.3
  assert not any(decisions.keeps(key, 0.0, config) for key in KEYS)
  assert all(decisions.keeps(key, 0.0, _config()) for key in KEYS)
