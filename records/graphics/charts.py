"""Charts with axes and legends: lines, bars, points, slices, areas and heat maps."""

import dataclasses

import numpy as np
from PIL import Image

from deblock.records.graphics import canvas as canvas_lib
from deblock.records.graphics import choices as choices_lib
from deblock.records.graphics import lettering, words


@dataclasses.dataclass
class _Panel:
  """Where a chart is drawn, and with what."""

  canvas: canvas_lib.Canvas
  theme: choices_lib.Theme
  box: canvas_lib.Box
  width: float


def chart(choices: choices_lib.Choices, side: int) -> Image.Image:
  """Returns one chart, or four small ones."""
  theme = choices.theme(0.3)
  canvas = canvas_lib.Canvas.drawn(choices, side, theme.ground, 0.85)
  style = lettering.style(choices, lettering.SANS, (8, 15))
  rows = choices.pick((1, 1, 2)) if side >= 256 else 1
  step = side / rows
  # Room for the labels.
  style = style.sized(min(style.size, step / 16))
  labels: list[tuple] = []
  for row in range(rows):
    for column in range(rows):
      left, top = column * step, row * step
      margin = 3.2 * style.size
      box = (left + margin, top + 2.2 * style.size, left + step - 10, top + step - 2.4 * style.size)
      panel = _Panel(canvas, theme, box, choices.number(0.8, 2.6))
      labels += _axes(choices, panel, style)
      choices.pick(_DRAWN)(choices, panel)
      if choices.happens(0.6):
        labels += _legend(choices, panel, style)
  image = canvas.finished()
  for place, text, kind, colour in labels:
    lettering.write(image, place, text, kind, colour)
  return image


def _axes(choices, panel, style):
  """Draws ground, grid and axes, and returns the labels as (place, text, style, colour)."""
  left, top, right, bottom = panel.box
  theme, canvas = panel.theme, panel.canvas
  if choices.happens(0.3):
    canvas.rectangle(panel.box, theme.panel)
  count = choices.integer(3, 7)
  grid, dashed = choices.happens(0.6), choices.happens(0.3)
  labels = []
  for number in range(count + 1):
    share = number / count
    across, down = left + share * (right - left), bottom - share * (bottom - top)
    if grid:
      for ends in (((left, down), (right, down)), ((across, top), (across, bottom))):
        if dashed:
          canvas.dashed(ends, theme.edge, 0.8, 3)
        else:
          canvas.line(ends, theme.edge, 0.8)
    canvas.line(((left - 4, down), (left, down)), theme.ink)
    canvas.line(((across, bottom), (across, bottom + 4)), theme.ink)
    value = f"{share * 10 ** choices.integer(0, 3):.3g}"
    start = left - 7 - lettering.width(value, style)
    labels.append(((start, down - 0.6 * style.size), value, style, theme.ink))
    if number < count:
      text = lettering.fitting(words.label(choices), style, (right - left) / count - 4)
      labels.append(((across, bottom + 5), text, style, theme.ink))
  canvas.line(((left, top), (left, bottom), (right, bottom)), theme.ink, choices.pick((1.0, 1.5)))
  if choices.happens(0.4):
    canvas.line(((left, top), (right, top), (right, bottom)), theme.ink)
  title = style.sized(style.size * 1.3)
  text = lettering.fitting(words.line(choices, 4), title, right - left)
  start = (left + right - lettering.width(text, title)) / 2
  return [*labels, ((start, top - 1.8 * style.size), text, title, theme.ink)]


def _legend(choices, panel, style):
  """Draws a box of colours, and returns its labels."""
  left, top, right, _ = panel.box
  count, wide = choices.integer(2, 4), 8.0 * style.size
  if right - left < 2 * wide:
    return []
  start = choices.pick((left + 8, right - wide - 8))
  down = 1.4 * style.size
  box = (start, top + 6, start + wide, top + 12 + count * down)
  panel.canvas.rectangle(box, panel.theme.ground, panel.theme.edge, 1.0, choices.pick((0, 4)))
  labels = []
  for number in range(count):
    row = top + 9 + number * down
    colour = panel.theme.accents[number]
    panel.canvas.rectangle((start + 6, row + 3, start + 24, row + 0.8 * style.size), colour)
    text = lettering.fitting(words.label(choices), style, wide - 34)
    labels.append(((start + 30, row), text, style, panel.theme.ink))
  return labels


def _walk(choices, count):
  """Returns numbers in [0, 1] that change from one to the next as measurements do."""
  steps = choices.generator.normal(0.0, 1.0, count)
  walk = np.cumsum(steps) if choices.happens(0.6) else steps
  if choices.happens(0.3):
    walk = np.sin(np.linspace(0.0, choices.number(2.0, 30.0), count)) + 0.1 * steps
  span = max(float(np.ptp(walk)), 1e-6)
  return 0.05 + 0.9 * (walk - walk.min()) / span


def _points(choices, panel, count):
  left, top, right, bottom = panel.box
  across = np.linspace(left, right, count)
  return [
    (float(x), bottom - share * (bottom - top))
    for x, share in zip(across, _walk(choices, count), strict=True)
  ]


def _lines(choices, panel):
  for number in range(choices.integer(1, 5)):
    points = _points(choices, panel, choices.integer(6, 120))
    colour = panel.theme.accents[number]
    if choices.happens(0.25):
      panel.canvas.dashed(points, colour, panel.width, 4)
    else:
      panel.canvas.line(points, colour, panel.width)
    if len(points) < 30 and choices.happens(0.6):
      radius = choices.number(2.0, 4.5)
      for x, y in points:
        panel.canvas.ellipse((x - radius, y - radius, x + radius, y + radius), colour)


def _areas(choices, panel):
  left, _, right, bottom = panel.box
  for number in range(choices.integer(1, 3)):
    points = [(left, bottom), *_points(choices, panel, choices.integer(5, 60)), (right, bottom)]
    edge = panel.theme.ink if choices.happens(0.4) else None
    panel.canvas.polygon(points, panel.theme.accents[number], edge, panel.width)


def _bars(choices, panel):
  left, top, right, bottom = panel.box
  count, series = choices.integer(3, 16), choices.integer(1, 3)
  step = (right - left) / count
  gap = step * choices.number(0.05, 0.4)
  edge = panel.theme.ink if choices.happens(0.3) else None
  values = choices.generator.random((count, series))
  for number in range(count):
    for which in range(series):
      wide = (step - gap) / series
      start = left + number * step + gap / 2 + which * wide
      high = bottom - 0.95 * values[number, which] * (bottom - top)
      panel.canvas.rectangle((start, high, start + wide, bottom), panel.theme.accents[which], edge)


def _scattered(choices, panel):
  left, top, right, bottom = panel.box
  for which in range(choices.integer(1, 4)):
    count, radius = choices.integer(10, 150), choices.number(1.2, 5.0)
    middle, spread = choices.generator.random(2), choices.number(0.05, 0.3)
    places = middle + spread * choices.generator.normal(size=(count, 2))
    edge = panel.theme.ground if choices.happens(0.4) else None
    for x, y in places[((places > 0.02) & (places < 0.98)).all(1)]:
      x, y = left + x * (right - left), top + y * (bottom - top)
      box = (x - radius, y - radius, x + radius, y + radius)
      panel.canvas.ellipse(box, panel.theme.accents[which], edge)


def _pie(choices, panel):
  left, top, right, bottom = panel.box
  panel.canvas.rectangle((left - 6, top, right + 6, bottom + 6), panel.theme.ground)
  radius = 0.46 * min(right - left, bottom - top)
  x, y = (left + right) / 2, (top + bottom) / 2
  box = (x - radius, y - radius, x + radius, y + radius)
  angle = choices.number(0.0, 360.0)
  shares = choices.generator.dirichlet(np.full(choices.integer(3, 6), 2.0))
  edge = choices.pick((None, panel.theme.ground, panel.theme.ink))
  for share, colour in zip(shares, panel.theme.accents, strict=False):
    panel.canvas.slice(box, angle, angle + 360 * share, colour, edge, panel.width)
    angle += 360 * share
  if choices.happens(0.4):
    hole = radius * choices.number(0.4, 0.7)
    panel.canvas.ellipse((x - hole, y - hole, x + hole, y + hole), panel.theme.ground)


def _heat(choices, panel):
  left, top, right, bottom = panel.box
  rows, columns = choices.integer(4, 24), choices.integer(4, 24)
  values = choices.generator.random((rows, columns))
  if choices.happens(0.6):
    slope = np.add.outer(np.linspace(0, 2, rows), np.linspace(0, choices.number(0, 3), columns))
    values = 0.5 + 0.4 * np.sin(slope) + 0.1 * (values - 0.5)
  first, last = (np.array(choices.pick(panel.theme.accents), float) for _ in range(2))
  down, across = (bottom - top) / rows, (right - left) / columns
  for row in range(rows):
    for column in range(columns):
      colour = np.rint(first + values[row, column] * (last - first)).astype(int)
      x, y = left + column * across, top + row * down
      panel.canvas.rectangle((x, y, x + across, y + down), tuple(colour.tolist()))


_DRAWN = (_lines, _lines, _areas, _bars, _bars, _scattered, _pie, _heat)
