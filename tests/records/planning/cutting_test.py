import collections
import io

import numpy as np
from PIL import Image
import pytest

from deblock.records.jpeg import codec
from deblock.records.photos import reading
from deblock.records.planning import config as config_lib
from deblock.records.planning import cutting

_KEYS = [f"photo-{number}.png/0/{16 * number}" for number in range(2000)]


def _config(**changes):
  return config_lib.RecordsConfig(**{"records": "out", "tile_size": 48, **changes})


def _decided(**changes):
  return config_lib.RecordsConfig(records="out", **changes)


def _picture(pixels, file_format="PNG"):
  return reading.Picture(pixels, file_format)


def test_what_was_no_jpeg_is_cut_as_it_is(photograph):
  pixels = photograph(64, 96)
  prepared = cutting.prepare(_picture(pixels), _config(jpeg_downscale=2.0, tile_size=64))
  np.testing.assert_array_equal(prepared, pixels)


def test_what_was_a_jpeg_is_shrunk(photograph):
  pixels = photograph(100, 150)
  prepared = cutting.prepare(_picture(pixels, "JPEG"), _config(jpeg_downscale=2.0))
  assert prepared.shape == (50, 75, 3)
  expected = np.asarray(Image.fromarray(pixels).resize((75, 50), Image.Resampling.LANCZOS))
  np.testing.assert_array_equal(prepared, expected)
  untouched = cutting.prepare(_picture(pixels, "JPEG"), _config())
  np.testing.assert_array_equal(untouched, pixels)


def test_shrinking_washes_out_blocking(photograph):
  clean = photograph(256, 256)

  def blocking(pixels, side):
    """Returns how much larger the steps across the edges of blocks are than the others."""
    steps = np.abs(np.diff(pixels[..., 1].astype(float), axis=1)).mean(axis=0)
    return steps[side - 1 :: side].mean() / np.delete(steps, np.s_[side - 1 :: side]).mean()

  jpeg = codec.decode(codec.encode(clean, 10))
  shrunk = cutting.prepare(_picture(jpeg, "JPEG"), _config(jpeg_downscale=2.0))
  before, after = blocking(jpeg, 8), blocking(shrunk, 4)
  assert before > 1.5
  assert after - 1 < 0.5 * (before - 1)


@pytest.mark.parametrize("downscale", [1.0, 2.0])
def test_why_an_image_cannot_be_used(photograph, downscale):
  config = _config(jpeg_downscale=downscale)
  assert cutting.is_usable(_picture(photograph(96, 96), "JPEG"), config)
  assert cutting.is_usable(_picture(photograph(60, 96), "JPEG"), config) == (downscale == 1.0)
  for found, reason in (
    (_picture(photograph(40, 96)), "smaller than one 48x48 tile"),
    (reading.ImageError("a.png", "is bad"), "^is bad$"),
  ):
    assert not cutting.is_usable(found, config)
    with pytest.raises(ValueError, match=reason):
      cutting.prepare(found, config)


def test_a_tile_has_its_jpegs_and_a_key_that_says_where_it_was(photograph):
  pixels = photograph(64, 96)
  config = _config(qualities=(10, 40), subsampling="444")
  triples = list(cutting.make_triples("a/b.png", pixels, config))
  assert [value.key for value in triples] == [
    f"a/b.png/{row}/{column}" for row in (0, 16) for column in (0, 48)
  ]
  value = triples[3]
  np.testing.assert_array_equal(value.clean, pixels[16:, 48:])
  assert value.compressed == tuple(codec.encode(value.clean, q, "444") for q in (10, 40))


def test_gray_tiles_are_gray_streams(photograph):
  (value,) = cutting.make_triples("a.png", photograph(48, 48), _config(gray_share=1.0))
  assert (value.clean == value.clean[..., :1]).all()
  with Image.open(io.BytesIO(value.compressed[0])) as stream:
    assert stream.mode == "L"
  luma = photograph(48, 48).astype(float) @ (0.299, 0.587, 0.114)
  assert np.abs(value.clean[..., 0] - luma).max() <= 1


def test_flat_tiles_get_rare(photograph):
  pixels = np.full((48, 48 * 20, 3), 128, np.uint8)
  pixels[:, : 48 * 10] = photograph(48, 48 * 10)
  config = _config(min_detail=3.0)
  columns = [
    int(value.key.rsplit("/", 1)[1]) for value in cutting.make_triples("a.png", pixels, config)
  ]
  assert all(column < 48 * 10 for column in columns)
  assert len(columns) > 7


def test_a_few_tiles_of_an_image_can_be_asked_for(photograph):
  config = _config(tiles_per_image=3, stride=16)
  assert len(list(cutting.make_triples("a.png", photograph(96, 128), config))) == 3


def test_by_default_all_qualities_are_stored_in_colour():
  decided = cutting.decide("a/0/0", _decided(qualities=(30, 10)))
  assert decided == cutting.Decisions(gray=False, qualities=(30, 10), subsampling="420")


def test_drawn_qualities_differ_and_spread_over_all():
  config = _decided(qualities=tuple(range(5, 96, 3)), qualities_per_tile=3)
  counts = collections.Counter()
  for key in _KEYS:
    drawn = cutting.decide(key, config).qualities
    assert len(set(drawn)) == 3 and list(drawn) == sorted(drawn)
    counts.update(drawn)
  assert set(counts) == set(config.qualities)
  expected = 3 * len(_KEYS) / len(config.qualities)
  assert all(0.5 * expected < count < 1.6 * expected for count in counts.values())


def test_drawing_all_qualities_is_taking_all():
  config = _decided(qualities=(10, 20), qualities_per_tile=2)
  assert cutting.decide("a/0/0", config).qualities == (10, 20)


def test_each_subsampling_is_sampled_as_often():
  config = _decided(subsampling="sampled")
  counts = collections.Counter(cutting.decide(key, config).subsampling for key in _KEYS)
  assert set(counts) == {"444", "422", "420"}
  assert all(0.8 < 3 * count / len(_KEYS) < 1.2 for count in counts.values())


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_the_share_of_gray_tiles_holds(share):
  config = _decided(gray_share=share)
  gray = sum(cutting.decide(key, config).gray for key in _KEYS) / len(_KEYS)
  assert abs(gray - share) < 0.03
  assert share not in (0.0, 1.0) or gray == share


def test_decisions_are_independent_of_each_other():
  config = _decided(gray_share=0.5, subsampling="sampled", qualities_per_tile=1, qualities=(10, 20))
  counts = collections.Counter(cutting.decide(key, config) for key in _KEYS)
  assert len(counts) == 2 * 3 * 2
  assert min(counts.values()) > 0.6 * len(_KEYS) / 12


def test_the_seed_changes_what_is_drawn():
  drawn = [
    [cutting.decide(key, _decided(gray_share=0.5, seed=seed)).gray for key in _KEYS[:50]]
    for seed in (0, 0, 1)
  ]
  assert drawn[0] == drawn[1] != drawn[2]


def test_at_most_so_many_tiles_are_chosen_and_stay_in_order():
  offsets = [(row, column) for row in (0, 16, 32) for column in (0, 16, 32, 48)]
  chosen = cutting.choose_offsets(offsets, "a.png", _decided(tiles_per_image=5))
  assert len(set(chosen)) == 5
  assert list(chosen) == sorted(chosen)
  assert set(chosen) < set(offsets)
  assert chosen != cutting.choose_offsets(offsets, "b.png", _decided(tiles_per_image=5))
  assert cutting.choose_offsets(offsets, "a.png", _decided(tiles_per_image=99)) == tuple(offsets)
  assert cutting.choose_offsets(offsets, "a.png", _decided()) == tuple(offsets)


def test_a_larger_limit_keeps_the_tiles_of_a_smaller_one():
  offsets = [(0, 16 * number) for number in range(30)]
  few, many = (
    set(cutting.choose_offsets(offsets, "a.png", _decided(tiles_per_image=limit)))
    for limit in (4, 9)
  )
  assert few < many


def test_flat_tiles_are_thinned_out_in_proportion():
  config = _decided(min_detail=4.0)
  assert all(cutting.is_kept(key, 4.0, config) for key in _KEYS)
  kept = sum(cutting.is_kept(key, 1.0, config) for key in _KEYS) / len(_KEYS)
  assert 0.2 < kept < 0.3
  assert not any(cutting.is_kept(key, 0.0, config) for key in _KEYS)
  assert all(cutting.is_kept(key, 0.0, _decided()) for key in _KEYS)
