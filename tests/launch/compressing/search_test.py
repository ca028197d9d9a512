import itertools
import math

import pytest

from deblock.launch.compressing import search

LAST = 1023


class Ladder:
  """Kinds whose sizes and qualities are formulas; counts what it is asked for."""

  def __init__(self, **kinds):
    """Takes of each kind its bytes beside those of others, and how much better it is."""
    self._kinds = kinds
    self.encoded, self.restored = set(), set()

  def size(self, kind, rung):
    self.encoded.add((kind, rung))
    scale, _ = self._kinds[kind]
    return round(scale * 400_000 * 2 ** (-rung / 150))

  def quality(self, kind, rung):
    self.restored.add((kind, rung))
    self.size(kind, rung)
    _, offset = self._kinds[kind]
    return 48.0 + offset - 0.02 * rung - 0.2 * math.sin(rung / 90)


def _by_trying_all(ladder, kinds, reaches):
  found = [(ladder.size(kind, rung), kind, rung) for kind in kinds for rung in range(LAST + 1)]
  return min((item for item in found if reaches(*item)), default=None)


@pytest.mark.parametrize("target", [30.0, 33.3, 41.0])
@pytest.mark.parametrize("order", list(itertools.permutations("abc")))
def test_the_smallest_file_of_all_kinds_is_found_with_few_restorations(target, order):
  ladder = Ladder(a=(1.0, 0.0), b=(0.8, -0.3), c=(1.3, 1.0))
  found = search.fewest_bytes(order, ladder, target, 0.02, LAST, 512, -0.026)
  assert len(ladder.restored) <= 18 and len(ladder.encoded) <= 60
  best = _by_trying_all(ladder, "abc", lambda _, kind, rung: ladder.quality(kind, rung) >= target)
  assert target <= found.quality <= target + 0.05
  assert found.size <= 1.01 * best[0]
  assert (found.size, found.quality) == (
    ladder.size(found.kind, found.rung),
    ladder.quality(found.kind, found.rung),
  )


@pytest.mark.parametrize("most", [4_000, 50_000, 399_999])
def test_the_best_file_of_so_many_bytes_is_found(most):
  ladder = Ladder(a=(1.0, 0.0), b=(0.8, -0.3), c=(1.3, 1.0))
  found = search.best_quality("abc", ladder, most, LAST, 512)
  assert len(ladder.restored) <= 3
  fitting = [
    ladder.quality(kind, rung)
    for kind in "abc"
    for rung in range(LAST + 1)
    if ladder.size(kind, rung) <= most
  ]
  assert found.size <= most and found.quality == pytest.approx(max(fitting), abs=0.03)


def test_what_cannot_be_reached_is_not_found():
  ladder = Ladder(a=(1.0, 0.0), b=(0.8, -0.3))
  assert search.fewest_bytes("ab", ladder, 48.5, 0.02, LAST, 512, -0.026) is None
  assert search.best_quality("ab", ladder, 1_000, LAST, 512) is None
  # One kind reaches it alone, whichever is tried first.
  for order in ("ab", "ba"):
    assert search.fewest_bytes(order, ladder, 47.9, 0.02, LAST, 512, -0.026).kind == "a"


@pytest.mark.parametrize("guess", [0, 500, LAST])
@pytest.mark.parametrize("target", [-3.0, 0.0, 0.4, 7.7, 1023.0, 2000.0])
def test_the_last_number_that_reaches_is_exact_without_tolerance(target, guess):
  asked = []

  def value(number):
    asked.append(number)
    return 1023.0 - number

  found = search.last_reaching(value, target, LAST, guess, -0.5, 0.0)
  expected = min(LAST, math.floor(1023.0 - target))
  assert found == (expected if expected >= 0 else None)
  assert len(asked) == len(set(asked)) <= 8


def test_a_function_that_jumps_takes_no_more_than_three_bisections():
  asked = []

  def value(number):
    asked.append(number)
    return 10.0 if number < 700 else 0.0

  assert search.last_reaching(value, 5.0, LAST, 3, -1e-6, 0.0) == 699
  assert len(asked) <= 33


def test_a_function_that_rises_in_between_gives_a_number_at_an_edge():
  def value(number):
    return 30.0 - number // 7 + (number % 7) * 0.1

  found = search.last_reaching(value, 20.0, 200, 100, -1.0, 0.0)
  assert value(found) >= 20.0 > value(found + 1)
