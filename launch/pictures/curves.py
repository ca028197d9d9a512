"""Charts of lines over the steps of a run, drawn as a picture."""

from collections.abc import Sequence
import math
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT = 960, 250  # Of a chart, in pixels.
LEFT, RIGHT, TOP, BOTTOM = 74, 190, 34, 30  # Round the plot: labels, key, title, steps.
HEAD = 34
MOST_KEYS = 9  # Lines that have room in the key.
BACKGROUND, PLOT, GRID = (250, 250, 250), (255, 255, 255), (226, 226, 226)
INK, PALE_INK = (20, 20, 20), (105, 105, 105)
# Distinct to colour-blind eyes too (Okabe and Ito), without their yellow, which white swallows.
COLOURS = (
  (0, 114, 178),
  (213, 94, 0),
  (0, 158, 115),
  (204, 121, 167),
  (86, 180, 233),
  (230, 159, 0),
  (90, 90, 90),
  (140, 86, 75),
)
_FINER = 2  # Drawn so much larger and then shrunk, since Pillow's lines have jagged edges.


class Line(NamedTuple):
  """One line of a chart.

  Attributes:
    label: in the key; empty for none.
    points: (step, value), steps rising.
    colour: number of the colour, which goes round.
    faint: whether it stands behind the others, thin and pale.
  """

  label: str
  points: Sequence[tuple[float, float]]
  colour: int = 0
  faint: bool = False


class Chart(NamedTuple):
  """One chart.

  Attributes:
    title: with the unit of its values.
    lines: what it shows; none where there is nothing yet.
    logarithmic: whether the axis of values is, which then must be positive.
    zero: whether the axis of values reaches 0.
  """

  title: str
  lines: Sequence[Line]
  logarithmic: bool = False
  zero: bool = False


def draw(title: str, charts: Sequence[Chart]) -> np.ndarray:
  """Returns the charts below each other, over the same steps, as uint8 [h, w, 3]."""
  size = (WIDTH * _FINER, (HEAD + HEIGHT * len(charts)) * _FINER)
  sheet = Image.new("RGB", size, BACKGROUND)
  draw_on = ImageDraw.Draw(sheet)
  _text(draw_on, (LEFT, HEAD - 6), title, 17, INK, "ls")
  steps = [step for chart in charts for line in chart.lines for step, _ in line.points]
  across = _Axis(0.0, max(steps, default=1.0), (LEFT, WIDTH - RIGHT))
  for index, chart in enumerate(charts):
    _draw_chart(draw_on, chart, across, HEAD + index * HEIGHT)
  return np.asarray(sheet.resize((WIDTH, size[1] // _FINER), Image.Resampling.BOX))


def ticks(low: float, high: float, most: int = 6) -> list[float]:
  """Returns the multiples of 1, 2 or 5 times a power of ten within a range, at most so many."""
  if not high > low:
    return [low]
  unit = 10.0 ** math.floor(math.log10((high - low) / most))
  for factor in (1, 2, 5, 10, 20):
    step = unit * factor
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    if last - first < most:
      break
  # Whole numbers times the step, since added up it would not meet 0 exactly.
  return [float(f"{index * step:.12g}") for index in range(first, last + 1)]


def log_ticks(low: float, high: float) -> list[float]:
  """Returns 1, 2 and 5 times powers of ten within a positive range; powers alone in a wide one."""
  first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
  factors = (1,) if last - first > 3 else (1, 2, 5)
  found = [float(f"{factor}e{power}") for power in range(first, last + 1) for factor in factors]
  return [tick for tick in found if low <= tick * (1 + 1e-9) and tick <= high * (1 + 1e-9)]


def label(value: float) -> str:
  """Returns a tick's number, short: 20k, 1.5M, 0.002."""
  for unit, name in ((1e6, "M"), (1e3, "k")):
    if abs(value) >= unit:
      return f"{value / unit:.6g}{name}"
  return f"{value:.6g}"


class _Axis:
  """Values to pixels, linear or logarithmic."""

  def __init__(self, low, high, pixels, logarithmic=False):
    self._log = logarithmic
    self.low, self.high = low, high
    if not high > low:
      self.high = low * 2.0 if logarithmic else low + 1.0
    self._begin, self._end = pixels

  def place(self, value):
    low, high = self.low, self.high
    if self._log:
      value, low, high = math.log(value), math.log(low), math.log(high)
    return self._begin + (value - low) / (high - low) * (self._end - self._begin)

  def ticks(self, most):
    # Less than three of them hardly make a scale.
    if self._log and len(found := log_ticks(self.low, self.high)) >= 3:
      return found
    return ticks(self.low, self.high, most)


def _draw_chart(draw, chart, across, top):
  bottom = top + HEIGHT - BOTTOM
  _text(draw, (LEFT, top + TOP - 9), chart.title, 13, INK, "ls")
  box = (LEFT, top + TOP, WIDTH - RIGHT, bottom)
  draw.rectangle([_FINER * side for side in box], fill=PLOT)
  lines = [_drawable(line, chart.logarithmic) for line in chart.lines]
  lines = [line for line in lines if line.points]
  for tick in across.ticks(8):
    place = across.place(tick)
    _stroke(draw, [(place, top + TOP), (place, bottom)], GRID, 1)
    _text(draw, (place, bottom + 5), label(tick), 11, PALE_INK, "ma")
  if lines:
    up = _value_axis(lines, chart, (bottom, top + TOP))
    for tick in up.ticks(6):
      place = up.place(tick)
      # Where values lie on both sides, the line between them is what one looks for.
      between = tick == 0.0 and up.low < 0.0
      _stroke(draw, [(LEFT, place), (WIDTH - RIGHT, place)], PALE_INK if between else GRID, 1)
      _text(draw, (LEFT - 8, place), label(tick), 11, PALE_INK, "rm")
    for line in sorted(lines, key=lambda item: not item.faint):
      _draw_line(draw, line, across, up)
    _draw_key(draw, [line for line in lines if line.label], top + TOP)
  else:
    middle = ((LEFT + WIDTH - RIGHT) / 2, (top + TOP + bottom) / 2)
    _text(draw, middle, "nothing logged", 13, PALE_INK, "mm")
  draw.rectangle([_FINER * side for side in box], outline=PALE_INK, width=_FINER)
  _text(draw, (WIDTH - RIGHT + 30, bottom + 5), "step", 11, PALE_INK, "la")


def _drawable(line, logarithmic):
  least = 0.0 if logarithmic else -math.inf
  points = [(step, value) for step, value in line.points if least < value < math.inf]
  return line._replace(points=points)


def _value_axis(lines, chart, pixels):
  values = [value for line in lines for _, value in line.points]
  low, high = min(values), max(values)
  if chart.zero:
    low, high = min(low, 0.0), max(high, 0.0)
  if chart.logarithmic:
    return _Axis(low / 1.1, high * 1.1, pixels, logarithmic=True)
  room = 0.06 * (high - low) or 0.1 * abs(high) or 1.0
  # An axis that reaches nought ends there, unless something lies beyond.
  low = low if chart.zero and low == 0.0 else low - room
  return _Axis(low, high if chart.zero and high == 0.0 else high + room, pixels)


def _draw_line(draw, line, across, up):
  colour = COLOURS[line.colour % len(COLOURS)]
  if line.faint:
    red, green, blue = ((part + 2 * 255) // 3 for part in colour)
    colour = (red, green, blue)
  places = [(across.place(step), up.place(value)) for step, value in line.points]
  if not line.faint and len(places) <= 30:
    for x, y in places:
      _dot(draw, x, y, colour)
  _stroke(draw, places, colour, 1 if line.faint else 2)


def _draw_key(draw, lines, top):
  """Writes each line's label and its last value beside the plot, in the order of these values."""
  lines = sorted(lines, key=lambda line: -line.points[-1][1])
  count = min(len(lines), MOST_KEYS)
  shown = [lines[index * (len(lines) - 1) // max(1, count - 1)] for index in range(count)]
  for row, line in enumerate(shown):
    x, y = WIDTH - RIGHT + 12, top + 10 + 19 * row
    _stroke(draw, [(x, y), (x + 16, y)], COLOURS[line.colour % len(COLOURS)], 3)
    _text(draw, (x + 23, y), f"{line.label}  {line.points[-1][1]:.4g}", 12, INK, "lm")


def _dot(draw, x, y, colour):
  draw.ellipse(
    [_FINER * (x - 2), _FINER * (y - 2), _FINER * (x + 2), _FINER * (y + 2)], fill=colour
  )


def _stroke(draw, places, colour, width):
  points = [(x * _FINER, y * _FINER) for x, y in places]
  if len(points) > 1:
    draw.line(points, fill=colour, width=width * _FINER, joint="curve")


def _text(draw, place, words, size, colour, anchor):
  font = ImageFont.load_default(size=size * _FINER)
  draw.text((place[0] * _FINER, place[1] * _FINER), words, colour, font=font, anchor=anchor)
