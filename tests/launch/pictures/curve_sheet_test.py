import numpy as np
from PIL import Image
import pytest

from deblock.launch.pictures import curve_sheet, curves
from deblock.launch.run_folder import history


@pytest.fixture
def drawn(monkeypatch):
  """The charts that were asked for, by their titles, when a sheet has been made."""
  asked = {}
  monkeypatch.setattr(
    curves, "draw", lambda title, charts: asked.update({chart.title: chart for chart in charts})
  )
  return asked


def _evaluated(step, gains, series=history.MAIN):
  values = {f"eval/gain_db/{name}": gain for name, gain in gains.items()}
  return history.Entry(step, series, values)


def _lines(chart):
  return {line.label: list(line.points) for line in chart.lines}


def test_each_quality_has_its_line_and_each_series_its_chart(drawn):
  entries = [
    history.Entry(5, history.MAIN, {"train/loss": 0.5, "train/learning_rate": 0.25}),
    _evaluated(5, {"q10": 1.0, "q20": 2.0, "mean": 1.5}),
    _evaluated(5, {"q10": 3.0, "q20": 4.0, "mean": 3.5}, "averaged"),
    history.Entry(5, history.JPEG, {"eval/psnr_db/q10": 27.0}),
    _evaluated(9, {"q10": 5.0, "q20": 6.0, "mean": 5.5}),
  ]
  curve_sheet.curve_sheet(entries, "run")
  assert _lines(drawn["training loss"]) == {"loss": [(5, 0.5)]}
  assert _lines(drawn["learning rate"]) == {"rate": [(5, 0.25)]}
  assert _lines(drawn["gain over the JPEG on held-out tiles, dB"]) == {
    "q10": [(5, 1.0), (9, 5.0)],
    "q20": [(5, 2.0), (9, 6.0)],
    "mean": [(5, 1.5), (9, 5.5)],
  }
  averaged = drawn["gain over the JPEG on held-out tiles, averaged weights, dB"]
  assert _lines(averaged) == {"q10": [(5, 3.0)], "q20": [(5, 4.0)], "mean": [(5, 3.5)]}
  assert len(drawn) == 5


def test_the_mean_of_one_quality_is_not_drawn_over_it(drawn):
  curve_sheet.curve_sheet([_evaluated(5, {"q25": 1.0, "mean": 1.0})], "run")
  assert list(_lines(drawn["gain over the JPEG on held-out tiles, dB"])) == ["q25"]


def test_a_long_curve_is_smoothed_over_what_it_was(drawn):
  losses = np.random.default_rng(0).normal(1.0, 0.1, 1000)
  entries = [history.Entry(i, history.MAIN, {"train/loss": loss}) for i, loss in enumerate(losses)]
  curve_sheet.curve_sheet(entries, "run")
  raw, smooth = drawn["training loss"].lines
  assert raw.faint and not smooth.faint
  assert [value for _, value in raw.points] == list(losses)
  middle = np.array([value for _, value in smooth.points])[100:-100]
  # Means over 25 of them: a fifth of the deviation.
  assert middle.mean() == pytest.approx(1.0, abs=0.02)
  assert 0.5 < middle.std() / (0.1 / 5) < 1.5


def test_smoothing_leaves_a_straight_line_as_it_is():
  points = [(10 * i, 3.0 - 0.5 * i) for i in range(200)]
  np.testing.assert_allclose(curve_sheet.smooth(points, 10), points)


def test_the_picture_of_a_run_is_saved_whole(tmp_path):
  sheet = curve_sheet.curve_sheet([_evaluated(5, {"q10": 1.0})], "run")
  path = tmp_path / "curves.png"
  curve_sheet.save(sheet, path)
  with Image.open(path) as picture:
    np.testing.assert_array_equal(np.asarray(picture), sheet)
  assert list(tmp_path.iterdir()) == [path]
