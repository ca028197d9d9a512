import numpy as np
import pytest
from scipy import stats

from deblock.pipeline import qualities, seeds, subsamplings


@pytest.mark.parametrize(
  ("text", "chances"),
  [
    ("420", [1, 0, 0]),
    ("444,420", [0.5, 0, 0.5]),
    ("0.6*420+0.2*422+0.2*444", [0.6, 0.2, 0.2]),
    ("3*420 + 1*422,444", [0.75, 0.125, 0.125]),
    ("0*420+422", [0, 1, 0]),
  ],
)
def test_chances_are_those_of_the_text(text, chances):
  assert subsamplings.probabilities(text) == pytest.approx(chances)


@pytest.mark.parametrize(
  ("text", "message"),
  [
    ("", "online_subsampling must be like 420 or"),
    ("420+", "online_subsampling must be like 420 or"),
    ("411", "subsampling must be one of 420, 422, 444, got '411'"),
    ("4:2:0", "subsampling must be one of 420, 422, 444, got '4:2:0'"),
    ("420,", "subsampling must be one of 420, 422, 444, got ''"),
    ("0*420", "online_subsampling must have a weight above 0, got '0"),
  ],
)
def test_what_is_no_distribution_is_named(text, message):
  with pytest.raises(ValueError, match=message):
    subsamplings.probabilities(text)


def test_what_is_drawn_has_the_distribution():
  chances = subsamplings.probabilities("0.6*420+0.3*422+0.1*444")
  drawn = qualities.draw(chances, 4000, seeds.derive(3, 1)).numpy()
  assert stats.chisquare(np.bincount(drawn, minlength=3), 4000 * chances).pvalue > 1e-3
