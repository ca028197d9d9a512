import math

import numpy as np
import pytest

from deblock.launch.evaluation import bootstrap


def test_the_interval_of_many_values_is_that_of_the_normal_distribution():
  values = np.random.default_rng(1).normal(1.5, 0.4, 2000)
  low, high = bootstrap.of_mean(values)
  half = 1.959964 * values.std() / math.sqrt(len(values))
  assert low == pytest.approx(values.mean() - half, abs=0.1 * half)
  assert high == pytest.approx(values.mean() + half, abs=0.1 * half)


def test_the_interval_is_reproducible_and_moves_with_the_values():
  values = [0.5, 1.0, 1.25, 2.5, 0.75]
  found = bootstrap.of_mean(values)
  assert found == bootstrap.of_mean(values)
  assert min(values) <= found.low < 1.2 < found.high <= max(values)
  moved = bootstrap.of_mean([value + 8.0 for value in values])
  assert moved == pytest.approx((found.low + 8.0, found.high + 8.0))


def test_the_values_of_published_figures_stay():
  # Tables in docs/ hold intervals: another way to draw would change them all.
  values = np.arange(24) ** 2 / 100
  assert bootstrap.of_mean(values) == pytest.approx((1.1700, 2.4854), abs=5e-5)


def test_equal_values_leave_no_doubt():
  assert bootstrap.of_mean([0.1] * 7) == pytest.approx((0.1, 0.1), rel=1e-15)


@pytest.mark.parametrize("values", [[], [1.0], [1.0, math.inf], [math.nan, 1.0]])
def test_of_one_value_or_of_infinite_ones_nothing_is_said(values):
  assert bootstrap.of_mean(values) is bootstrap.UNKNOWN
