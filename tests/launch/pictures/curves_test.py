import math

import numpy as np
import pytest

from deblock.launch.pictures import curves

PLOT_LEFT, PLOT_RIGHT = curves.LEFT, curves.WIDTH - curves.RIGHT
PLOT_TOP = curves.HEAD + curves.TOP
PLOT_BOTTOM = curves.HEAD + curves.HEIGHT - curves.BOTTOM


def _inside(sheet, chart=0):
  """Returns the pixels of a chart's plot, without its frame."""
  top = chart * curves.HEIGHT
  return sheet[PLOT_TOP + top + 2 : PLOT_BOTTOM + top - 2, PLOT_LEFT + 2 : PLOT_RIGHT - 2]


def _is(pixels, colour):
  return (np.abs(pixels.astype(int) - colour) < 40).all(axis=-1)


def _draw(*lines, **options):
  return curves.draw("title", [curves.Chart("chart", lines, **options)])


@pytest.mark.parametrize(
  ("low", "high", "expected"),
  [
    (0.0, 10.0, [0, 2, 4, 6, 8, 10]),
    (-0.35, 0.62, [-0.2, 0, 0.2, 0.4, 0.6]),
    (0.0, 2e-3, [0, 0.0005, 0.001, 0.0015, 0.002]),
    (29.3, 29.9, [29.4, 29.6, 29.8]),
    (5.0, 5.0, [5]),
  ],
)
def test_ticks_are_round_numbers(low, high, expected):
  assert curves.ticks(low, high) == expected


@pytest.mark.parametrize("most", [2, 5, 8])
@pytest.mark.parametrize("high", [3e-7, 0.9, 17.0, 123456.0])
def test_there_are_neither_too_many_ticks_nor_too_few(most, high):
  for low in (0.0, -high / 3, 0.999 * high):
    found = curves.ticks(low, high, most)
    assert 1 <= len(found) <= most
    assert all(low - 1e-9 * high <= tick <= high * (1 + 1e-9) for tick in found)


def test_ticks_of_a_logarithmic_axis_are_powers_and_what_divides_them():
  assert curves.log_ticks(0.004, 0.06) == [0.005, 0.01, 0.02, 0.05]
  assert curves.log_ticks(1e-4, 10) == [1e-4, 1e-3, 0.01, 0.1, 1, 10]
  assert curves.log_ticks(1.2, 1.7) == []


@pytest.mark.parametrize(
  ("value", "text"),
  [(0.0, "0"), (0.0005, "0.0005"), (900, "900"), (1500, "1.5k"), (2e4, "20k"), (1.25e6, "1.25M")],
)
def test_labels_are_short(value, text):
  assert curves.label(value) == text


def test_a_rising_line_runs_from_corner_to_corner():
  sheet = _draw(curves.Line("gain", [(0, 0.0), (100, 1.0)]), zero=True)
  rows, columns = np.nonzero(_is(_inside(sheet), curves.COLOURS[0]))
  height, width, _ = _inside(sheet).shape
  # The corner itself lies under the frame.
  assert columns.min() < 12 and columns.max() > width - 12
  # Six hundredths of its height are left free above.
  expected = height - (columns / width) * height / 1.06
  assert np.abs(rows - expected).max() < 4


def test_a_logarithmic_axis_makes_a_line_of_equal_ratios():
  points = [(step, 10.0 ** (-step / 10)) for step in range(0, 41, 10)]
  rows, columns = np.nonzero(
    _is(_inside(_draw(curves.Line("", points), logarithmic=True)), (0, 114, 178))
  )
  slope, offset = np.polyfit(columns, rows, 1)
  assert slope > 0 and np.abs(rows - (slope * columns + offset)).max() < 4


def test_charts_share_the_steps():
  early = curves.Chart("early", [curves.Line("", [(0, 0.0), (50, 1.0)])])
  late = curves.Chart("late", [curves.Line("", [(50, 0.0), (100, 1.0)])])
  sheet = curves.draw("title", [early, late])
  first, second = (np.nonzero(_is(_inside(sheet, i), curves.COLOURS[0]))[1] for i in (0, 1))
  width = _inside(sheet).shape[1]
  assert abs(first.max() - width / 2) < 4 and abs(second.min() - width / 2) < 4


def test_what_is_not_finite_or_not_positive_is_left_out():
  good = [(0, 1.0), (10, 2.0), (30, 4.0)]
  bad = [(20, math.nan), (25, math.inf)]
  np.testing.assert_array_equal(
    _draw(curves.Line("", sorted(good + bad))), _draw(curves.Line("", good))
  )
  np.testing.assert_array_equal(
    _draw(curves.Line("", sorted([*good, (5, 0.0), (6, -1.0)])), logarithmic=True),
    _draw(curves.Line("", good), logarithmic=True),
  )


@pytest.mark.parametrize(
  "lines",
  [
    [],
    [curves.Line("nothing", [])],
    [curves.Line("one point", [(50, 0.25)])],
    [curves.Line("at nought", [(0, 0.0), (50, 0.0)])],
    [curves.Line("level", [(0, -3.0), (50, -3.0)])],
    [curves.Line(f"q{number}", [(0, number), (9, 2.0 * number)]) for number in range(30)],
  ],
)
@pytest.mark.parametrize("logarithmic", [False, True])
def test_there_is_a_picture_whatever_there_is_to_show(lines, logarithmic):
  sheet = _draw(*lines, logarithmic=logarithmic, zero=not logarithmic)
  assert sheet.dtype == np.uint8
  assert sheet.shape == (curves.HEAD + curves.HEIGHT, curves.WIDTH, 3)
  assert (sheet[PLOT_TOP + 9, PLOT_LEFT + 9 : PLOT_RIGHT] == curves.PLOT).all(axis=-1).any()


def test_the_key_lists_lines_in_the_order_in_which_they_end():
  one = curves.Line("one", [(0, 3.0), (9, 1.0)], colour=1)
  two = curves.Line("two", [(0, 0.0), (9, 2.0)], colour=2)
  key = _draw(one, two)[PLOT_TOP:PLOT_BOTTOM, PLOT_RIGHT + 12 : PLOT_RIGHT + 28]
  first, second = (np.nonzero(_is(key, curves.COLOURS[i]))[0].mean() for i in (2, 1))
  assert first < second
