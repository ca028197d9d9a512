import hashlib

import numpy as np
import pytest

from deblock.records.graphics import choices, kinds

SIDE = 96
COUNT = len(kinds.KINDS)


def _digest(pixels):
  return hashlib.sha256(pixels.tobytes()).hexdigest()


@pytest.fixture(scope="module")
def drawn():
  """An image of every kind, of each split."""
  return {
    split: [kinds.draw(split, 0, index, SIDE) for index in range(COUNT)] for split in choices.SPLITS
  }


def test_every_kind_is_drawn_and_none_is_empty(drawn):
  assert {kinds.kind(index) for index in range(COUNT)} == set(kinds.KINDS)
  for images in drawn.values():
    for index, image in enumerate(images):
      assert image.shape == (SIDE, SIDE, 3) and image.dtype == np.uint8
      assert np.ptp(image) > 20, kinds.kind(index)


def test_no_image_comes_twice_nor_in_both_splits(drawn):
  digests = [_digest(image) for images in drawn.values() for image in images]
  assert len(set(digests)) == len(digests)


def test_an_image_depends_on_nothing_that_was_drawn_before(drawn):
  for index in reversed(range(0, COUNT, 3)):
    np.testing.assert_array_equal(kinds.draw("train", 0, index, SIDE), drawn["train"][index])


def test_another_seed_draws_other_images(drawn):
  for index in range(0, COUNT, 7):
    assert _digest(kinds.draw("train", 1, index, SIDE)) != _digest(drawn["train"][index])


@pytest.mark.parametrize("name", kinds.KINDS)
def test_every_kind_fits_the_smallest_side(name):
  index = list(kinds.KINDS).index(name)
  for seed in range(2):
    image = kinds.draw("train", seed, index, kinds.SMALLEST)
    assert image.shape == (kinds.SMALLEST, kinds.SMALLEST, 3)
