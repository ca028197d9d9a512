import math

import matplotlib
from matplotlib import pyplot
import numpy as np
from PIL import Image
import pytest

from deblock.launch.pictures import curves
from deblock.launch.run_folder import history
from deblock.records.photos import results

HELD_OUT = "held-out gain: over the JPEG on held-out tiles, dB"


def _evaluated(step, gains, series=history.MAIN):
  values = {f"eval/gain_db/{name}": gain for name, gain in gains.items()}
  return history.Entry(step, series, values)


def _trained(losses):
  return [
    history.Entry(step, history.MAIN, {"train/loss": loss}) for step, loss in enumerate(losses)
  ]


def _charts(entries):
  """Returns the axes by their titles, which stand left."""
  return {chart.get_title("left"): chart for chart in curves.draw(entries, "run").axes}


def _lines(chart):
  """Returns the points of each line that the key names, in the key's order."""
  labels = [text.get_text() for text in chart.get_legend().get_texts()]
  points = {line.get_label(): line.get_xydata().tolist() for line in chart.lines}
  return {label.split()[0]: points[label] for label in labels}


def test_each_quality_has_its_line_and_each_series_its_chart():
  charts = _charts(
    [
      history.Entry(5, history.MAIN, {"train/loss": 0.5, "train/learning_rate": 0.25}),
      _evaluated(5, {"q10": 1.0, "q20": 2.0, "mean": 1.5}),
      _evaluated(5, {"q10": 3.0, "q20": 4.0, "mean": 3.5}, "averaged"),
      history.Entry(5, history.JPEG, {"eval/psnr_db/q10": 27.0}),
      _evaluated(9, {"q10": 5.0, "q20": 6.0, "mean": 5.5}),
    ]
  )
  assert _lines(charts["training loss"]) == {"loss": [[5, 0.5]]}
  assert _lines(charts["learning rate"]) == {"rate": [[5, 0.25]]}
  assert _lines(charts[HELD_OUT]) == {
    "q10": [[5, 1.0], [9, 5.0]],
    "q20": [[5, 2.0], [9, 6.0]],
    "mean": [[5, 1.5], [9, 5.5]],
  }
  averaged = charts["held-out gain: over the JPEG on held-out tiles, averaged weights, dB"]
  assert _lines(averaged) == {"q10": [[5, 3.0]], "q20": [[5, 4.0]], "mean": [[5, 3.5]]}
  assert len(charts) == 5


def test_the_mean_of_one_quality_is_not_drawn_over_it():
  charts = _charts([_evaluated(5, {"q25": 1.0, "mean": 1.0})])
  assert list(_lines(charts[HELD_OUT])) == ["q25"]


def test_the_key_lists_lines_in_the_order_in_which_they_end_with_their_last_values():
  entries = [_evaluated(0, {"q10": 3.0, "q20": 0.0}), _evaluated(9, {"q10": 1.0, "q20": 2.125})]
  key = _charts([*entries, _evaluated(9, {"mean": 1.5})])[HELD_OUT].get_legend()
  assert [text.get_text() for text in key.get_texts()] == ["q20  2.125", "mean  1.5", "q10  1"]


def test_a_long_curve_is_drawn_pale_and_smoothed_over_it():
  losses = np.random.default_rng(0).normal(1.0, 0.1, 1000)
  raw, smooth = _charts(_trained(losses))["training loss"].lines
  assert raw.get_alpha() < 0.5 and smooth.get_alpha() is None
  np.testing.assert_array_equal(raw.get_ydata(), losses)
  middle = smooth.get_ydata()[100:-100]
  # Means over 25 of them: a fifth of the deviation.
  assert middle.mean() == pytest.approx(1.0, abs=0.02)
  assert 0.5 < middle.std() / (0.1 / 5) < 1.5


def test_smoothing_leaves_a_straight_line_as_it_is():
  points = [(10 * i, 3.0 - 0.5 * i) for i in range(200)]
  np.testing.assert_allclose(curves.smooth(points, 10), points)


def test_the_loss_is_logarithmic_and_gains_show_zero():
  charts = _charts([*_trained([0.5, 0.25]), _evaluated(5, {"q10": 1.0, "mean": 1.0})])
  assert charts["training loss"].get_yscale() == "log"
  assert charts[HELD_OUT].get_ylim()[0] == 0.0
  low, high = _charts([_evaluated(5, {"q10": -1.0, "mean": -1.0})])[HELD_OUT].get_ylim()
  assert low < -1.0 and high > 0.0
  assert all(chart.get_xlim() == (0.0, 5.0) for chart in charts.values())


@pytest.mark.parametrize(
  "entries",
  [
    [],
    _trained([0.5]),
    _trained([0.0, -1.0, math.nan, math.inf]),
    _trained([0.25, 0.0, 1e-9]),
    [_evaluated(9, {f"q{number}": number for number in range(12)})],
  ],
)
def test_there_is_a_picture_of_whatever_was_logged(entries, tmp_path):
  path = tmp_path / "curves.png"
  curves.save(entries, "run", path)
  assert set(tmp_path.iterdir()) == {path, tmp_path / results.NAME}
  with Image.open(path) as picture:
    assert picture.size == (960, 1040)


def test_the_same_figures_make_the_same_bytes(tmp_path):
  paths = [tmp_path / name for name in ("one.png", "other.png")]
  for path in paths:
    curves.save(_trained([0.5, 0.25]), "run", path)
  assert paths[0].read_bytes() == paths[1].read_bytes()


def test_drawing_leaves_no_settings_and_no_figures_behind():
  before = dict(matplotlib.rcParams)
  curves.draw(_trained([0.5]), "run")
  assert dict(matplotlib.rcParams) == before
  assert pyplot.get_fignums() == []
