import dataclasses
import json
import math

import pytest

from deblock.launch.training import best

SCALARS = {
  "eval/gain_db/q10": 0.5,
  "eval/gain_db/q20": 0.2,
  "eval/ssim_gain/q10": 0.01,
  "eval/ssim/q10": 0.9,
}


@pytest.mark.parametrize(
  ("metric", "value"),
  [("eval/gain_db", 0.35), ("eval/gain_db/q20", 0.2), ("eval/ssim", 0.9)],
)
def test_a_figure_is_one_quality_s_or_the_mean_of_all(metric, value):
  assert best.measured(metric, SCALARS) == pytest.approx(value)


@pytest.mark.parametrize("metric", ["eval/gain_db/q1", "eval/gain", "eval/psnr_db"])
def test_a_figure_that_is_not_there_is_refused_with_those_that_are(metric):
  with pytest.raises(ValueError, match=f"one of eval/gain_db/q10, .*q10, got '{metric}'"):
    best.Best(metric).after(1, SCALARS)


def _after(values, start=None):
  found = start or best.Best("m")
  for step, value in enumerate(values, 1):
    found = found.after(step, {"m": value})
  return found


def test_only_what_is_higher_is_better():
  assert _after([1.0, 3.0, 3.0, 2.0]) == best.Best("m", 3.0, 2, since=2)
  assert _after([-math.inf]) == best.Best("m", -math.inf, 1)
  assert _after([math.nan, 1.0, math.nan, math.inf]) == best.Best("m", math.inf, 4)


def test_it_is_over_after_as_many_in_a_row_as_are_allowed():
  for values, over in (([2, 1], False), ([2, 1, 1], True), ([2, 1, 3, 1], False)):
    assert _after(values).is_over(2) is over
  assert not _after([2, 1, 1, 1]).is_over(0)
  assert _after([math.nan, math.nan]).is_over(2)


def test_an_evaluation_without_figures_counts_for_nothing():
  assert _after([2.0]).after(9, {}) == _after([2.0])


def test_it_is_the_same_after_saving_unless_another_figure_is_asked_for():
  found = _after([0.1 + 0.2, 0.1])
  saved = json.loads(json.dumps(dataclasses.asdict(found)))
  assert best.restored("m", saved) == found
  assert best.restored("other", saved) == best.restored("other", None) == best.Best("other")
