import numpy as np

from deblock.records.planning import hashing


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


def test_other_pixels_and_other_shapes_have_another_content(photograph):
  image = photograph(24, 36)
  others = [image[::-1], image[:, ::-1], image.reshape(36, 24, 3), image[:-1], image[:, :-1]]
  for place in ((0, 0, 0), (11, 17, 1), (23, 35, 2)):
    changed = image.copy()
    changed[place] ^= 1
    others.append(changed)
  hashes = {hashing.content_hash(other) for other in others}
  assert len(hashes) == len(others)
  assert hashing.content_hash(image) not in hashes
  assert hashing.content_hash(image) == hashing.content_hash(np.asfortranarray(image))
  # The same for ever: it stands in manifests.
  assert hashing.content_hash(np.zeros((2, 3, 3), np.uint8)) == "dfc584caf44443ec9de15676889fd536"
