import pytest

from deblock.records.planning import hashing
from deblock.records.writing import shuffle


def _records(count):
  return [(f"image/{number}", bytes([number % 256]) * (10 + number % 7)) for number in range(count)]


def _order(records, seed, buffer_bytes):
  return list(shuffle.shuffled(iter(records), seed, buffer_bytes))


def test_what_fits_stands_in_the_order_of_the_hashes():
  records = _records(50)
  by_hash = sorted(records, key=lambda record: hashing.stable_hash(3, record[0]))
  assert _order(records, 3, 10**6) == [record for _, record in by_hash]
  assert _order(records[::-1], 3, 10**6) == [record for _, record in by_hash]


@pytest.mark.parametrize("buffer_bytes", [0, 1, 100, 1000, 10**6])
def test_every_record_comes_out_once(buffer_bytes):
  records = _records(200)
  found = _order(records, 0, buffer_bytes)
  assert sorted(found) == sorted(record for _, record in records)


def test_the_seed_decides_the_order():
  records = _records(200)
  assert _order(records, 0, 500) == _order(records, 0, 500)
  assert _order(records, 0, 500) != _order(records, 1, 500)


def test_no_more_is_held_than_the_buffer_takes():
  held = 0
  most = 0

  def counted():
    nonlocal held, most
    for key, record in _records(300):
      held += len(record)
      most = max(most, held)
      yield key, record

  for record in shuffle.shuffled(counted(), 0, 400):
    held -= len(record)
  assert held == 0
  assert 300 < most <= 400 + 16


def test_a_full_buffer_still_mixes_far():
  records = [(f"image/{number}", number.to_bytes(4, "big")) for number in range(2000)]
  found = [int.from_bytes(record, "big") for record in _order(records, 0, 4 * 200)]
  moved = [abs(place - number) for place, number in enumerate(found)]
  assert sum(moved) / len(moved) > 100
