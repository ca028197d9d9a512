import hashlib

import numpy as np

from deblock.records import hashing


def test_the_hash_is_the_same_for_ever():
  assert hashing.stable_hash("split", "astronaut") == 14844225135580248643
  assert hashing.stable_hash("a", "bc") != hashing.stable_hash("ab", "c")


def test_names_that_are_not_unicode_have_a_hash():
  assert hashing.stable_hash("caf\udce9.png") != hashing.stable_hash("caf\udcea.png")


def test_fractions_are_spread_evenly_below_one():
  fractions = np.array([hashing.fraction("x", number) for number in range(4000)])
  assert fractions.min() >= 0 and fractions.max() < 1
  assert abs(fractions.mean() - 0.5) < 0.02
  assert abs(np.mean(fractions < 0.1) - 0.1) < 0.02


def test_the_digest_is_that_of_size_and_pixels():
  image = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
  expected = hashlib.sha256(b"\x02\0\0\0\x03\0\0\0" + bytes(range(18))).hexdigest()
  assert hashing.pixel_digest(image) == expected
  assert hashing.pixel_digest(np.asfortranarray(image)) == expected
  assert hashing.pixel_digest(image[::-1]) != expected
  assert hashing.pixel_digest(image.reshape(3, 2, 3)) != expected
