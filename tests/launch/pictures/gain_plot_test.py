import dataclasses
import re
import xml.etree.ElementTree as ET

import pytest

from deblock.launch.evaluation import figures
from deblock.launch.pictures import gain_plot


def _mean(quality, gain, model="net", reach=0.25):
  row = figures.Row("mean", quality, 30.0, 30.0 + gain, 0.8, 0.9, 29.0, 30.0, model)
  if reach is None:
    return row
  return dataclasses.replace(row, gain_low=gain - reach, gain_high=gain + reach)


def _dots(svg):
  """Returns the centre and the title of each dot."""
  return [
    (float(dot.get("cx")), float(dot.get("cy")), dot[0].text)
    for dot in ET.fromstring(svg).iter("circle")
  ]


def test_height_is_proportional_to_gain_and_place_to_quality():
  dots = _dots(gain_plot.svg([_mean(10, 0.5), _mean(20, 1.0), _mean(40, 2.0)]))
  (x1, y1, _), (x2, y2, _), (x3, y3, title) = dots
  assert (x3 - x2) == pytest.approx(2 * (x2 - x1), abs=0.11)
  assert (y2 - y3) == pytest.approx(2 * (y1 - y2), abs=0.11) and y1 > y2
  assert title == "net at quality 40: +2.000 dB (+1.750 to +2.250)"


def test_a_loss_lies_below_zero_and_everything_within_the_frame():
  svg = gain_plot.svg([_mean(10, -1.0), _mean(40, 1.5, "b", None), _mean(10, 0.25, "b", None)])
  root = ET.fromstring(svg)
  (zero,) = (float(line.get("y1")) for line in root.iter("line") if line.get("class") == "zero")
  heights = {title: y for _, y, title in _dots(svg)}
  assert all((y > zero) == (": -" in title) for title, y in heights.items())
  numbers = [float(value) for value in re.findall(r'(?:cx|x1|x2)="([^"]+)"', svg)]
  assert min(numbers) >= 0 and max(numbers) <= gain_plot.WIDTH
  assert all(0 <= y <= gain_plot.HEIGHT for y in heights.values())
  assert len(list(root.iter("polygon"))) == 0 and root.get("role") == "img"


def test_images_of_different_qualities_are_not_joined():
  means = [_mean(10, 0.5), _mean(20, 1.0)]
  joined, apart = (ET.fromstring(gain_plot.svg(means, joined)) for joined in (True, False))
  assert [len(list(joined.iter(name))) for name in ("polyline", "polygon", "circle")] == [1, 1, 2]
  assert [len(list(apart.iter(name))) for name in ("polyline", "polygon", "circle")] == [0, 0, 2]


def test_one_quality_and_gains_of_nothing_are_drawn_too():
  ((x, _, _),) = _dots(gain_plot.svg([_mean(30, 0.0, reach=0.0)]))
  assert gain_plot.LEFT < x < gain_plot.WIDTH
  assert _dots(gain_plot.svg([_mean(30, float("inf"), reach=None)])) == []


@pytest.mark.parametrize(
  ("low", "high", "ticks"),
  [
    (0.0, 1.6, [0.0, 0.5, 1.0, 1.5, 2.0]),
    (-0.3, 0.12, [-0.3, -0.2, -0.1, 0.0, 0.1, 0.2]),
    (0.0, 0.0, [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]),
    (0.0, 23.0, [0.0, 5.0, 10.0, 15.0, 20.0, 25.0]),
  ],
)
def test_ticks_are_round_and_enclose_what_is_drawn(low, high, ticks):
  assert gain_plot.nice_ticks(low, high, 5) == pytest.approx(ticks)
