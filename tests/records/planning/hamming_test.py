import numpy as np
import pytest

from deblock.records.planning import hamming


@pytest.mark.parametrize("near_bits", range(17))
@pytest.mark.parametrize("sizes", [(10, 10), (1000, 1000), (10**5, 10**4), (10**7, 10**6)])
def test_any_pair_within_the_bits_agrees_in_one_band(near_bits, sizes):
  bands = hamming.choose_bands(near_bits, *sizes)
  rng = np.random.default_rng(near_bits)
  flips = np.argsort(rng.random((3000, 64)), axis=1) < near_bits
  # The worst case of the pigeonholes: every band gets as many differing bits as are left.
  worst = np.zeros(64, bool)
  for start, _, radius in bands:
    worst[start : start + radius + 1] = True
  agree = [flips[:, start : start + bits].sum(axis=1) <= radius for start, bits, radius in bands]
  assert np.any(agree, axis=0).all()
  assert worst.sum() > near_bits or bands == ((0, 0, 0),)


@pytest.mark.parametrize("near_bits", [0, 3, 9])
def test_the_nearest_hash_is_found_as_by_comparing_all_pairs(near_bits):
  rng = np.random.default_rng(near_bits)
  indexed = rng.integers(0, 2**64, 400, np.uint64)
  # Copies of some, with up to 12 bits changed.
  queries = indexed[:60].copy()
  for number in range(60):
    for bit in rng.integers(0, 64, number % 13):
      queries[number] ^= np.uint64(1) << np.uint64(bit)
  bands = tuple(hamming.bands(indexed, near_bits, len(queries)))
  found = hamming.nearest(bands, len(indexed), queries, near_bits)
  distances = np.bitwise_count(indexed[:, np.newaxis] ^ queries)
  expected = distances.min(axis=1).astype(np.uint64) << np.uint64(32)
  expected |= distances.argmin(axis=1).astype(np.uint64)
  expected[distances.min(axis=1) > near_bits] = hamming.NONE
  np.testing.assert_array_equal(found, expected)
