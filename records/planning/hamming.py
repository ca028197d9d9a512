"""Finds the 64-bit hashes that differ in few bits, without comparing all pairs. NumPy only."""

from collections.abc import Iterable, Iterator
import dataclasses
import itertools
import math

import numpy as np

_HASH_BITS = 64
# Candidates held at once: some megabytes, which fit a cache.
_CHUNK = 2**17
# A table of starts is 4 bytes times two to this power.
_MOST_BAND_BITS = 22
# Measured nanoseconds, for the choice of bands only: results do not depend on them.
_ENTRY_COST, _PROBE_COST, _CANDIDATE_COST = 5, 15, 10

# The result of `nearest` for a hash without a near query.
NONE = np.iinfo(np.uint64).max


@dataclasses.dataclass(frozen=True)
class Band:
  """The indexed hashes in the order of a few of their bits, the band.

  Attributes:
    shift: lowest bit of the band.
    mask: one bit set for each bit of the band, from bit 0.
    flips: int64, all values with at most as many bits set as two hashes may differ in the band.
    starts: index in `rows` where each value of the band begins, and one entry more.
    rows: row of each hash, in this order.
    hashes: uint64, in this order.
  """

  shift: int
  mask: int
  flips: np.ndarray
  starts: np.ndarray
  rows: np.ndarray
  hashes: np.ndarray

  def keys(self, hashes):
    """Returns the band's bits of some hashes, int64."""
    return _keys(hashes, self.shift, self.mask)


def _keys(hashes, shift, mask):
  return ((hashes >> np.uint64(shift)) & np.uint64(mask)).astype(np.int64)


def bands(hashes, near_bits, queries) -> Iterator[Band]:
  """Yields tables such that any hash within `near_bits` is found by at least one of them."""
  for shift, width, radius in choose_bands(near_bits, queries, len(hashes)):
    mask = (1 << width) - 1
    keys = _keys(hashes, shift, mask)
    rows = np.argsort(keys, kind="stable").astype(np.int32)
    starts = np.zeros(2**width + 1, np.int32)
    np.cumsum(np.bincount(keys, minlength=2**width), out=starts[1:])
    flips = [
      sum(1 << bit for bit in bits)
      for count in range(radius + 1)
      for bits in itertools.combinations(range(width), count)
    ]
    yield Band(shift, mask, np.array(flips, np.int64), starts, rows, hashes[rows])


def choose_bands(near_bits, queries, indexed):
  """Returns the cheapest set of (lowest bit, bits, most differing bits within them).

  The pigeonhole principle as in Norouzi, Punjani and Fleet, "Fast search in Hamming space with
  multi-index hashing", CVPR 2012, section 3: if hashes are cut into m bands and differ in
  d = m r + a bits, one of the first a + 1 bands differs in at most r bits, or one of the others in
  at most r - 1. Long bands have fewer entries of one value, and more values to look up. One band of
  no bits compares all pairs, which is best for small sets.
  """
  choices: list[tuple[tuple[int, int, int], ...]] = [((0, 0, 0),)]
  for count in range(1, near_bits + 2):
    radius, rest = divmod(near_bits, count)
    edges = [_HASH_BITS * i // count for i in range(count + 1)]
    for most_bits in range(4, _MOST_BAND_BITS + 1, 2):
      bands = []
      for i in range(count):
        bits = min(edges[i + 1] - edges[i], most_bits)
        bands.append((edges[i], bits, radius if i <= rest else radius - 1))
      choices.append(tuple(band for band in bands if band[2] >= 0))

  def cost(bands):
    total = 0.0
    for _, bits, radius in bands:
      probes = sum(math.comb(bits, count) for count in range(radius + 1))
      total += 2**bits * _ENTRY_COST
      total += queries * probes * (_PROBE_COST + indexed / 2**bits * _CANDIDATE_COST)
    return total

  return min(choices, key=cost)


def nearest(bands: Iterable[Band], indexed, queries, near_bits):
  """Returns for each indexed hash the nearest query; of equally near ones the first.

  Returns:
    uint64 [indexed], the distance in the high half and the number of the query in the low half;
    all bits are set if no query is within `near_bits`.
  """
  nearest = np.full(indexed, NONE, np.uint64)
  for band in bands:
    block = max(1, _CHUNK // len(band.flips))
    own_keys = band.keys(queries)
    # In this order, neighbouring queries read the same part of the table.
    order = np.argsort(own_keys, kind="stable")
    for first in range(0, len(queries), block):
      part = order[first : first + block]
      keys = (own_keys[part] ^ band.flips[:, np.newaxis]).ravel()
      begins, ends = band.starts[keys], band.starts[keys + 1]
      hits = np.flatnonzero(ends > begins)
      numbers = part[hits % len(part)]
      for which, places in _places(begins[hits], ends[hits]):
        number = numbers[which]
        distance = np.bitwise_count(band.hashes[places] ^ queries[number])
        close = np.flatnonzero(distance <= near_bits)
        found = distance[close].astype(np.uint64) << np.uint64(32) | number[close].astype(np.uint64)
        np.minimum.at(nearest, band.rows[places[close]], found)
  return nearest


def _places(begins, ends):
  """Yields (number of the range, place) of all places in all ranges, a bounded number at a time.

  Each range has a place at least. A range larger than the bound is cut.
  """
  ends_of_all = np.cumsum(ends - begins, dtype=np.int64)
  if not len(ends_of_all):
    return
  begins_of_all = ends_of_all - (ends - begins)
  for start in range(0, int(ends_of_all[-1]), _CHUNK):
    stop = min(start + _CHUNK, int(ends_of_all[-1]))
    first, last = np.searchsorted(ends_of_all, (start, stop - 1), "right")
    ranges = np.arange(first, last + 1)
    lengths = np.minimum(ends_of_all[ranges], stop) - np.maximum(begins_of_all[ranges], start)
    which = np.repeat(ranges, lengths)
    yield which, np.arange(start, stop) + (begins - begins_of_all)[which]
