import numpy as np
import pytest


@pytest.fixture(scope="module")
def bd_rate():
  """The function of the module `bd_rate.py` beside this file."""
  import importlib.util
  import pathlib

  path = pathlib.Path(__file__).with_name("bd_rate.py")
  spec = importlib.util.spec_from_file_location(path.stem, path)
  module = importlib.util.module_from_spec(spec)
  spec.loader.exec_module(module)
  return module.bd_rate


def test_a_codec_with_a_third_less_bytes_everywhere_has_a_third_less(bd_rate):
  curve = [(0.2, 28.0), (0.4, 31.0), (0.7, 33.5), (1.2, 36.0), (1.9, 38.5)]
  cheaper = [(rate * 2 / 3, quality) for rate, quality in curve]
  assert bd_rate(curve, cheaper) == pytest.approx(-1 / 3)
  assert bd_rate(cheaper, curve) == pytest.approx(0.5)
  assert bd_rate(curve, cheaper, between=(30.0, 35.0)) == pytest.approx(-1 / 3)
  assert bd_rate(curve, curve) == pytest.approx(0.0, abs=1e-12)


def test_it_is_the_mean_difference_of_logarithms(bd_rate):
  qualities = np.linspace(28.0, 38.0, 6)
  one = [(10 ** (0.08 * value - 3), value) for value in qualities]
  other = [(10 ** (0.09 * value - 3.3), value) for value in qualities]
  # Of straight lines the mean difference is that in the middle, at 33 dB.
  assert bd_rate(one, other) == pytest.approx(10 ** (0.01 * 33.0 - 0.3) - 1.0)


def test_what_cannot_be_compared_is_refused(bd_rate):
  curve = [(0.2, 28.0), (0.4, 31.0), (0.7, 33.5), (1.2, 36.0)]
  with pytest.raises(ValueError, match="at least four points"):
    bd_rate(curve, curve[:3])
  with pytest.raises(ValueError, match=r"both curves are within \(28.0, 36.0\)"):
    bd_rate(curve, curve, between=(27.0, 30.0))


def test_it_is_what_others_find(bd_rate):
  """An example of github.com/Anserw/Bjontegaard_metric; the value is that of bjontegaard, cubic."""
  one = [(686.76, 40.28), (309.58, 37.18), (157.11, 34.24), (85.95, 31.42)]
  other = [(893.34, 40.39), (407.8, 37.21), (204.93, 34.17), (112.75, 31.24)]
  assert bd_rate(one, other) == pytest.approx(0.313974, abs=1e-6)
