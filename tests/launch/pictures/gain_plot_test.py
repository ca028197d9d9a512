import dataclasses
import math
import re
import xml.etree.ElementTree as ET

import numpy as np

from deblock.launch.evaluation import figures
from deblock.launch.pictures import gain_plot, report


def _mean(quality, gain, model="net", reach=0.25):
  row = figures.Row("mean", quality, 30.0, 30.0 + gain, 0.8, 0.9, 29.0, 30.0, model)
  if reach is None:
    return row
  return dataclasses.replace(row, gain_low=gain - reach, gain_high=gain + reach)


def _axes(means, joined=True):
  (axes,) = gain_plot.plot(means, joined).axes
  return axes


def _lines(axes):
  """Returns the points of the methods' lines; the first line of all marks zero."""
  return [line.get_xydata().tolist() for line in axes.lines[1:]]


def test_each_method_has_a_line_through_its_gains_and_a_band_of_its_intervals():
  axes = _axes([_mean(10, 0.5), _mean(20, 1.0), _mean(10, -1.0, "other"), _mean(20, 0.0, "other")])
  assert np.allclose(_lines(axes), [[[10, 0.5], [20, 1.0]], [[10, -1.0], [20, 0.0]]])
  bands = [item for item in axes.collections if item.get_alpha()]
  low, high = (fold(bands[0].get_paths()[0].vertices[:, 1]) for fold in (min, max))
  assert (low, high) == (0.25, 1.25) and len(bands) == 2
  assert axes.get_ylim()[0] < -1.25 and axes.get_ylim()[1] > 1.25
  assert list(axes.get_xticks()) == [10, 20]


def test_images_of_different_qualities_are_not_joined():
  axes = _axes([_mean(10, 0.5), _mean(20, 1.0)], joined=False)
  assert axes.lines[1].get_linestyle() == "None" and axes.lines[1].get_marker() == "o"
  assert not [item for item in axes.collections if item.get_alpha()]


def test_without_an_interval_there_is_no_band():
  axes = _axes([_mean(10, 0.5, reach=None), _mean(20, 1.0, reach=None)])
  assert not axes.collections and len(_lines(axes)) == 1


def test_a_gain_that_is_not_finite_is_left_out():
  assert np.allclose(_lines(_axes([_mean(10, math.inf, reach=None), _mean(20, 1.0)])), [[[20, 1]]])
  assert _lines(_axes([_mean(30, math.inf, reach=None)])) == []


def test_the_words_name_every_gain_and_its_interval():
  assert gain_plot.words([_mean(40, 2.0), _mean(10, -0.5, "b", None)]) == (
    "Mean gain over the JPEG by quality. net at quality 40: +2.000 dB (+1.750 to +2.250); "
    "b at quality 10: -0.500 dB."
  )


def test_the_drawing_is_one_element_in_the_colours_and_the_font_of_the_page():
  means = [_mean(quality, 1.0, f"m{index}") for index in range(6) for quality in (10, 20)]
  svg = gain_plot.svg(means)
  assert svg == gain_plot.svg(means)
  # The attribute's prefix has no namespace in HTML.
  assert ET.fromstring(svg.replace("xlink:href", "href")).tag == "svg"
  assert "JPEG quality</text>" in svg and "http" not in svg
  style = (report.FOLDER / "page.css").read_text()
  used = set(re.findall(r"var\((--\w+)\)", svg))
  assert used == set(gain_plot.VARIABLES.values())
  assert all(f"{variable}:" in style for variable in used)
  assert not re.findall(r"(?:fill|stroke): #(?!000000|ffffff)\w+", svg)
