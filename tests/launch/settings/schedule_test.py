import math

import pytest

from deblock.launch.settings import schedule

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


def test_the_rate_falls_at_each_milestone_by_share_of_the_run_or_by_step():
  def rates(milestones, warmup_steps=0):
    return [
      schedule.learning_rate(8.0, "step", step, warmup_steps, step / 8, milestones, 0.5)
      for step in range(8)
    ]

  assert rates((0.25, 0.5)) == [8, 8, 4, 4, 2, 2, 2, 2]
  assert rates((1.0, 6.0)) == [8, 4, 4, 4, 4, 4, 2, 2]
  assert rates((0.5, 3.0)) == [8, 8, 8, 4, 2, 2, 2, 2]
  assert rates((0.25,), warmup_steps=3) == [2, 4, 3, 4, 4, 4, 4, 4]


def test_milestones_are_read_and_what_is_none_is_named():
  assert schedule.parse_milestones("0.5, 0.75,2000") == (0.5, 0.75, 2000.0)
  for item in ("", "x", "0", "-0.5", "1.5", "nan", "inf"):
    with pytest.raises(ValueError, match=f"milestones must be shares .*, got '{item}'"):
      schedule.parse_milestones(f"0.5,{item}")
