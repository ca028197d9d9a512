"""Drawings made of lines: boxes with arrows, maps, line art and blueprints."""

import math

import numpy as np
from PIL import Image

from deblock.records.graphics import canvas as canvas_lib
from deblock.records.graphics import choices as choices_lib
from deblock.records.graphics import lettering, shapes, words


def flow(choices: choices_lib.Choices, side: int) -> Image.Image:
  """Returns boxes with words, and arrows between them."""
  theme = choices.theme(0.25)
  canvas = canvas_lib.Canvas.drawn(choices, side, theme.ground, 0.85)
  style = lettering.style(choices, lettering.SANS + lettering.SERIF, (9, 17))
  pitch = choices.integer(7, 12) * style.size
  down = max(50, round(pitch * choices.number(0.5, 0.9)))
  width = choices.number(0.8, 2.5)
  labels: list[tuple] = []
  flat, fill = choices.happens(0.5), choices.pick((theme.panel, theme.ground))
  for top in range(choices.integer(0, 20), side, down):
    for left in range(choices.integer(0, 20), side, pitch):
      if labels and choices.happens(0.15):
        continue
      box = (left, top, left + 0.7 * pitch, top + 0.55 * down)
      middle = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
      line = theme.ink if choices.happens(0.6) else theme.faint
      if choices.happens(0.7):
        canvas.arrow((box[2], middle[1]), (left + pitch, middle[1]), line, width)
      if choices.happens(0.5):
        canvas.arrow((middle[0], box[3]), (middle[0], top + down), line, width)
      colour = fill if flat else choices.pick(theme.accents)
      edge = theme.ink if flat or choices.happens(0.4) else None
      ink = theme.ink if flat or choices.happens(0.3) else theme.ground
      kind = choices.integer(0, 3)
      if kind == 0:
        canvas.ellipse(box, colour, edge, width)
      elif kind == 1:
        points = (
          (middle[0], box[1]),
          (box[2], middle[1]),
          (middle[0], box[3]),
          (box[0], middle[1]),
        )
        canvas.polygon(points, colour, edge, width)
      else:
        canvas.rectangle(box, colour, edge, width, (0.0, 7.0)[kind - 2])
      labels.append((box, lettering.fitting(words.label(choices), style, 0.62 * pitch), ink))
  image = canvas.finished()
  for box, text, ink in labels:
    lettering.centred(image, box, text, style, ink)
  return image


def city_map(choices: choices_lib.Choices, side: int) -> Image.Image:
  """Returns a map: water, parks and blocks, roads with edges, contour lines, names of places."""
  dark = choices.happens(0.25)
  ground, water, park, road, edge, ink = (
    ((36, 38, 44), (20, 40, 66), (34, 56, 44), (70, 72, 80), (24, 25, 28), (200, 204, 210))
    if dark
    else (
      choices.pick(((242, 239, 233), (235, 235, 228), (250, 246, 236))),
      choices.pick(((170, 211, 223), (157, 192, 249))),
      choices.pick(((200, 225, 172), (181, 208, 160))),
      choices.pick(((255, 255, 255), (252, 214, 100))),
      (165, 155, 145),
      (60, 55, 60),
    )
  )
  canvas = canvas_lib.Canvas(side, ground, 4)
  for colour in (park, park, water):
    middle = choices.generator.random(2) * side
    canvas.polygon(shapes.blob(choices, middle, side * choices.number(0.1, 0.4)), colour)
  if choices.happens(0.4):
    middle = choices.generator.random(2) * side
    shape = shapes.blob(choices, middle, 1.0)
    for radius in range(10, side, choices.integer(9, 24)):
      points = [
        ((x - middle[0]) * radius + middle[0], (y - middle[1]) * radius + middle[1])
        for x, y in shape
      ]
      canvas.polygon(points, None, (190, 140, 100) if not dark else (90, 80, 70), 0.8)
  for number in range(choices.integer(6, 26)):
    width = choices.pick((2.0, 3.0, 5.0, 8.0))
    points = _road(choices, side)
    canvas.line(points, edge, width + 1.6)
    canvas.line(
      points, road if number % 4 else choices.pick(((249, 178, 156), (253, 226, 147), road)), width
    )
  if choices.happens(0.5):
    for _ in range(3):
      canvas.dashed(_road(choices, side), choices.colour((0.5, 1.0), (0.4, 0.9)), 1.5, 5)
  image = canvas.finished()
  halo = ground if choices.happens(0.6) else None
  for _ in range(choices.integer(6, 18)):
    style = lettering.style(choices, lettering.SANS, (8, 17))
    place = choices.number(0, side * 0.85), choices.number(0, side - 20)
    text = words.line(choices, choices.integer(1, 2)).title()
    if halo:
      for across, down in ((-1, 0), (1, 0), (0, -1), (0, 1)):
        lettering.write(image, (place[0] + across, place[1] + down), text, style, halo)
    lettering.write(image, place, text, style, ink)
  return image


def line_art(choices: choices_lib.Choices, side: int) -> Image.Image:
  """Returns curves and hatching of one ink, as in engravings, blueprints, sketches and manga."""
  paper, ink = choices.pick(
    (
      (choices_lib.WHITE, choices_lib.BLACK),
      (choices_lib.WHITE, (30, 30, 30)),
      ((24, 60, 120), (225, 235, 250)),
      ((244, 234, 214), (70, 50, 40)),
      (choices_lib.BLACK, choices_lib.WHITE),
    )
  )
  canvas = canvas_lib.Canvas.drawn(choices, side, paper, 0.85)
  for _ in range(choices.integer(4, 14)):
    middle = choices.generator.random(2) * side
    radius = side * choices.number(0.05, 0.35)
    width = choices.number(0.8, 4.0)
    kind = choices.integer(0, 4)
    if kind == 0:
      canvas.polygon(shapes.blob(choices, middle, radius), paper, ink, width)
    elif kind == 1:
      canvas.line(_road(choices, side), ink, width)
    elif kind == 2:
      _hatch(choices, canvas, middle, radius, ink)
    elif kind == 3:
      for number in range(choices.integer(8, 50)):
        angle = 0.17 * number + choices.number(0.0, 0.1)
        across, down = math.cos(angle), math.sin(angle)
        begin = choices.number(0.3, 0.7) * radius
        ends = [(middle[0] + far * across, middle[1] + far * down) for far in (begin, radius * 2)]
        canvas.line(ends, ink, choices.number(0.6, 2.0))
    else:
      for share in np.arange(1.0, 0.0, -choices.number(0.06, 0.3)):
        far = radius * float(share)
        box = (middle[0] - far, middle[1] - far, middle[0] + far, middle[1] + far)
        canvas.ellipse(box, None, ink, min(width, 1.5))
  return canvas.finished()


def _hatch(choices, canvas, middle, radius, ink):
  """Draws parallel lines in a square, at times a second set across."""
  pitch = choices.number(2.5, 9.0)
  for turn in (choices.number(0.0, math.pi),) * 1 + (
    (choices.number(0.0, math.pi),) * choices.integer(0, 1)
  ):
    across, down = math.cos(turn), math.sin(turn)
    for number in range(-int(radius / pitch), int(radius / pitch) + 1):
      x, y = middle[0] - number * pitch * down, middle[1] + number * pitch * across
      long = (max(0.0, radius**2 - (number * pitch) ** 2)) ** 0.5
      ends = ((x - long * across, y - long * down), (x + long * across, y + long * down))
      canvas.line(ends, ink, min(1.4, 0.35 * pitch))


def _road(choices, side):
  """Returns the points of a line across the image, straight or winding."""
  turn, bend = choices.number(0.0, math.pi), choices.pick((0.0, 0.0, 40.0, 90.0))
  middle = choices.generator.random(2) * side
  phase, speed = choices.number(0.0, 6.0), choices.number(0.5, 2.0)
  points = []
  for along in np.linspace(-1.5 * side, 1.5 * side, 60).tolist():
    aside = bend * math.sin(phase + speed * along * 6.0 / side)
    x = middle[0] + along * math.cos(turn) - aside * math.sin(turn)
    points.append((x, middle[1] + along * math.sin(turn) + aside * math.cos(turn)))
  return points
