import numpy as np
import pytest
from scipy import stats

from deblock.launch.restoring import expectation


@pytest.mark.parametrize("deviation", [0.06, 0.2, 0.5, 1.5])
def test_the_mean_of_a_cut_normal_variable_is_that_of_scipy(deviation):
  means = np.linspace(-0.5 - 2.9 * deviation, 0.5 + 2.9 * deviation, 41)
  edges = ((edge - means) / deviation for edge in (-0.5, 0.5))
  expected = stats.truncnorm.mean(*edges, loc=means, scale=deviation)
  np.testing.assert_allclose(expectation.cut_normal_mean(means, deviation), expected, atol=1e-4)


@pytest.mark.parametrize("kind", expectation.S_AND_L)
def test_coefficients_go_part_of_the_way_and_the_first_all_of_it(kind):
  steps = np.arange(5, 69)
  away = np.random.default_rng(0).normal(0.0, 0.5, (200, 64)).astype(np.float32)
  large = np.random.default_rng(1).random((200, 64)) < 0.5
  made = expectation.Mover(steps, kind, inside=0.0)(away.copy(), large)
  small_sigma, large_sigma = expectation.S_AND_L[kind]
  place = np.arange(64)
  sigma = (
    np.where(large, large_sigma * (1 + place // 8 + place % 8) ** 0.2, small_sigma) * steps**-0.3
  )
  sigma[:, 0] = 1.3 * steps[0] ** -0.55
  nearest = np.clip(away, -0.5, 0.5)
  way = np.where(place == 0, 1.0, expectation.WAY)
  expected = nearest + way * (expectation.cut_normal_mean(away, sigma) - nearest)
  np.testing.assert_allclose(made, expected, atol=2e-3)


def test_coefficients_end_as_far_inside_as_asked():
  steps = np.full(64, 4)
  away = np.random.default_rng(0).normal(0.0, 3.0, (50, 64)).astype(np.float32)
  large = np.zeros((50, 64), bool)
  made = expectation.Mover(steps, "luma", inside=0.5)(away, large)
  assert np.abs(made).max() <= 0.5 - 0.5 / 4 + 1e-6
  narrow = expectation.Mover(np.ones(64), "luma", inside=0.5)(away, large)
  assert not narrow.any()
