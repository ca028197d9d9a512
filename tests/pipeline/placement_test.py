import itertools

import numpy as np
import pytest
from scipy import stats
import tensorflow as tf

from deblock.pipeline import config as config_lib
from deblock.pipeline import crop, placement, seeds

_COUNT = 4000


def _offsets(height=48, width=64, **changes):
  settings = {"crop_size": 24, "crops_per_tile": _COUNT, "mixed_tiles": 1, "batch_size": _COUNT}
  config = config_lib.InputConfig(**{**settings, **changes})
  return placement.offsets(config, height, width, 3, 7).numpy()


def test_by_default_corners_are_those_of_the_block_grid():
  expected = crop.random_offsets(48, 64, 24, _COUNT, seeds.derive(3, 7, seeds.OFFSETS))
  np.testing.assert_array_equal(_offsets(), expected)


def test_corners_may_be_those_of_chroma_blocks():
  found, counts = np.unique(_offsets(crop_grid=16), axis=0, return_counts=True)
  assert found.tolist() == [[row, column] for row in (0, 16) for column in (0, 16, 32)]
  assert stats.chisquare(counts).pvalue > 1e-3


def test_a_share_of_the_crops_is_off_the_grid_and_the_others_stay_where_they_were():
  offsets = _offsets(misaligned_share=0.4)
  moved = (offsets % 8).any(axis=1)
  assert stats.binomtest(int(moved.sum()), _COUNT, 0.4).pvalue > 1e-3
  np.testing.assert_array_equal(offsets[~moved], _offsets()[~moved])
  assert (offsets + 24 <= (48, 64)).all()


def test_crops_off_the_grid_have_every_place_that_32_pixels_have_and_every_shift():
  offsets = _offsets(misaligned_share=1.0)
  shifts, counts = np.unique(offsets % 8, axis=0, return_counts=True)
  assert list(map(tuple, shifts)) == list(itertools.product(range(8), repeat=2))[1:]
  assert stats.chisquare(counts).pvalue > 1e-3
  places, counts = np.unique(offsets // 8, axis=0, return_counts=True)
  assert list(map(tuple, places)) == list(itertools.product(range(3), range(5)))
  assert stats.chisquare(counts).pvalue > 1e-3


def test_a_crop_off_the_grid_needs_a_block_more():
  assert _offsets(height=24).shape == (_COUNT, 2)
  with pytest.raises(tf.errors.InvalidArgumentError, match="cropping takes 32 pixels"):
    _offsets(height=24, misaligned_share=0.1)


def test_an_image_ends_where_a_grid_of_16_does():
  image = np.random.default_rng(0).integers(0, 256, (40, 61, 3)).astype(np.uint8)
  config = config_lib.InputConfig()
  assert placement.whole_units(tf.constant(image), config).shape == (40, 61, 3)
  found = placement.whole_units(tf.constant(image), config_lib.InputConfig(crop_grid=16))
  np.testing.assert_array_equal(found, image[:32, :48])
