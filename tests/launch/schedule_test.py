import math

import pytest

from deblock.launch import schedule

HIGHEST = 0.01


@pytest.mark.parametrize("done", [0.0, 0.1, 0.25, 0.5, 0.9, 1.0])
def test_cosine_is_the_square_of_a_quarter_wave(done):
  expected = HIGHEST * math.cos(math.pi * done / 2) ** 2
  assert schedule.learning_rate(HIGHEST, "cosine", 1000, 0, done) == pytest.approx(expected)


def test_cosine_starts_at_the_highest_rate_and_ends_at_nought():
  assert schedule.learning_rate(HIGHEST, "cosine", 0, 0, 0.0) == HIGHEST
  assert schedule.learning_rate(HIGHEST, "cosine", 100, 0, 1.0) == 0.0


def test_time_that_ran_over_does_not_let_the_rate_rise_again():
  assert schedule.learning_rate(HIGHEST, "cosine", 100, 0, 1.5) == 0.0


def test_constant_does_not_fall():
  assert {schedule.learning_rate(HIGHEST, "constant", 50, 0, done / 4) for done in range(5)} == {
    HIGHEST
  }


def test_warm_up_rises_by_equal_amounts_from_above_nought_to_the_highest():
  rates = [schedule.learning_rate(HIGHEST, "constant", step, 4, 0.0) for step in range(7)]
  assert rates == pytest.approx([HIGHEST * part for part in (0.2, 0.4, 0.6, 0.8, 1, 1, 1)])


def test_warm_up_and_cosine_multiply():
  rate = schedule.learning_rate(HIGHEST, "cosine", 1, 3, 0.5)
  assert rate == pytest.approx(HIGHEST * 0.5 * 0.5)
