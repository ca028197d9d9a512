"""Flat shapes, logos, smooth ramps and pixel art."""

import math

import numpy as np
from PIL import Image, ImageFilter

from deblock.records.graphics import canvas as canvas_lib
from deblock.records.graphics import choices as choices_lib
from deblock.records.graphics import lettering, words


def drawing(choices: choices_lib.Choices, side: int) -> Image.Image:
  """Returns flat shapes, with or without outlines, as in clip art and cartoons."""
  ground = choices.colour((0.0, 0.4), (0.7, 1.0)) if choices.happens(0.8) else choices.colour()
  canvas = canvas_lib.Canvas.drawn(choices, side, ground)
  palette = [choices.colour((0.1, 1.0), (0.2, 1.0)) for _ in range(choices.integer(3, 9))]
  palette += [choices_lib.BLACK, choices_lib.WHITE]
  edge = choices.pick((None, (20, 20, 20), choices_lib.BLACK, choices.pick(palette)))
  width = choices.number(0.8, 5.0)
  for _ in range(choices.integer(8, 50)):
    middle = choices.generator.random(2) * side
    far = side * choices.number(0.02, 0.28)
    tall = far * choices.number(0.3, 1.7)
    box = (middle[0] - far, middle[1] - tall, middle[0] + far, middle[1] + tall)
    fill, kind = choices.pick(palette), choices.integer(0, 6)
    if kind == 0:
      canvas.ellipse(box, fill, edge, width)
    elif kind <= 2:
      canvas.rectangle(box, fill, edge, width, choices.pick((0.0, 0.0, far * 0.3)))
    elif kind == 3:
      canvas.polygon(star(choices, middle, far), fill, edge, width)
    elif kind == 4:
      canvas.slice(box, choices.number(0, 180), choices.number(181, 350), fill, edge, width)
    elif kind == 5:
      canvas.polygon(blob(choices, middle, 0.7 * far), fill, edge, width)
    else:
      corners = middle + far * choices.generator.normal(size=(choices.integer(3, 5), 2))
      canvas.polygon([tuple(corner) for corner in corners.tolist()], fill, edge, width)
  return canvas.finished()


def logo(choices: choices_lib.Choices, side: int) -> Image.Image:
  """Returns emblems with smooth ramps, shadows and soft edges, and words, on a plain ground."""
  ground = choices.pick((choices_lib.WHITE, choices_lib.WHITE, choices_lib.BLACK, choices.colour()))
  image = Image.new("RGB", (side, side), ground)
  count = choices.pick((1, 2, 3))
  step = side // count
  for top in range(0, side, step):
    for left in range(0, side, step):
      mask = _emblem(choices, step)
      if choices.happens(0.5):
        soft = mask.filter(ImageFilter.GaussianBlur(step * choices.number(0.01, 0.05)))
        away = round(step * choices.number(0.0, 0.05))
        shade = choices.pick((choices_lib.BLACK, choices.colour()))
        image.paste(
          shade, (left + away, top + away), soft.point([level // 2 for level in range(256)])
        )
      fill = (
        ramp(choices, step)
        if choices.happens(0.65)
        else Image.new("RGB", mask.size, choices.colour())
      )
      image.paste(fill, (left, top), mask)
  style = lettering.style(choices, lettering.SANS + lettering.SERIF, (14, max(15, side // 6)))
  ink = (
    choices.colour()
    if choices.happens(0.7)
    else (choices_lib.WHITE if sum(ground) < 380 else choices_lib.BLACK)
  )
  text = lettering.fitting(words.label(choices).upper(), style, side - 8)
  lettering.centred(image, (0, 0.6 * side, side, 1.0 * side), text, style, ink)
  return image


def gradients(choices: choices_lib.Choices, side: int) -> Image.Image:
  """Returns smooth ramps in panels, skies and buttons, at times with shapes before them."""
  image = ramp(choices, side)
  for _ in range(choices.integer(0, 6)):
    size = choices.integer(side // 8, side // 2)
    place = (
      choices.integer(-size // 3, side - size // 2),
      choices.integer(-size // 3, side - size // 2),
    )
    canvas = canvas_lib.Canvas(size, choices_lib.BLACK, 4)
    radius = choices.pick((0.0, 0.1 * size, 0.49 * size))
    canvas.rectangle(
      (1, 1, size - 1, size - choices.integer(1, size // 2)), choices_lib.WHITE, radius=radius
    )
    mask = canvas.finished().convert("L")
    if choices.happens(0.3):
      mask = mask.filter(ImageFilter.GaussianBlur(choices.number(1.0, 12.0)))
    image.paste(ramp(choices, size), place, mask)
  return image


def pixel_art(choices: choices_lib.Choices, side: int) -> Image.Image:
  """Returns figures of few colours, each pixel shown as a square of 1 to 8 pixels."""
  scale = choices.pick((1, 2, 2, 3, 3, 4, 5, 6, 8))
  count = -(-side // scale)
  colours = choices.integer(4, 16)
  palette = np.array(
    [choices.colour() for _ in range(colours)] + [choices_lib.BLACK, choices_lib.WHITE]
  )
  canvas = np.zeros((count, count), np.int64)
  cell = choices.pick((8, 12, 16))
  if choices.happens(0.5):
    # Tiles of a world: each kind is drawn once and used again.
    tiles = choices.generator.integers(0, colours, (6, cell, cell))
    tiles[:3] = tiles[:3, :1, :1]
    tiles[3:5] = np.where(
      choices.generator.random((2, cell, cell)) < 0.85, tiles[3:5, :1, :1], tiles[3:5]
    )
    rows = -(-count // cell)
    # Areas of one kind each, with single tiles of others.
    areas = (
      choices.generator.integers(0, 6, (-(-rows // 4), -(-rows // 4))).repeat(4, 0).repeat(4, 1)
    )
    others = choices.generator.integers(0, 6, (rows, rows))
    chosen = np.where(choices.generator.random((rows, rows)) < 0.15, others, areas[:rows, :rows])
    canvas = tiles[chosen].transpose(0, 2, 1, 3).reshape(rows * cell, rows * cell)[:count, :count]
  else:
    canvas[:] = choices.integer(0, colours + 1)
  for _ in range(choices.integer(5, 60)):
    half = choices.generator.integers(1, colours + 2, (cell, cell // 2))
    half = np.where(choices.generator.random(half.shape) < 0.5, half[:, :1], half[:1, :1])
    half *= choices.generator.random(half.shape) > np.linspace(0.8, 0.1, cell // 2)
    figure = np.hstack([half, half[:, ::-1]])
    top, left = (choices.integer(0, max(0, count - cell)) for _ in range(2))
    part = canvas[top : top + cell, left : left + 2 * (cell // 2)]
    figure = figure[: part.shape[0], : part.shape[1]]
    canvas[top : top + cell, left : left + 2 * (cell // 2)] = np.where(figure > 0, figure, part)
  shown = palette[canvas].repeat(scale, 0).repeat(scale, 1)[:side, :side]
  return Image.fromarray(shown.astype(np.uint8))


def ramp(choices: choices_lib.Choices, side: int) -> Image.Image:
  """Returns a straight or round ramp between two or three colours, rounded to 8 bits."""
  rows, columns = np.mgrid[:side, :side] / side
  if choices.happens(0.6):
    turn = choices.pick((0.0, math.pi / 2, choices.number(0.0, 2 * math.pi)))
    share = 0.5 + 0.7 * (math.cos(turn) * (columns - 0.5) + math.sin(turn) * (rows - 0.5))
  else:
    place = choices.generator.random(2)
    share = np.sqrt((rows - place[0]) ** 2 + (columns - place[1]) ** 2) * choices.number(0.7, 1.6)
  near = choices.happens(0.4)
  first = np.array(choices.colour(), float)
  stops = [first]
  for _ in range(choices.integer(1, 2)):
    other = np.array(choices.colour(), float)
    stops.append(first + 0.2 * (other - first) if near else other)
  share = np.clip(share, 0.0, 1.0) * (len(stops) - 1)
  begin = np.minimum(share.astype(int), len(stops) - 2)
  table = np.array(stops)
  mixed = table[begin] + (share - begin)[..., np.newaxis] * (table[begin + 1] - table[begin])
  return Image.fromarray(np.rint(mixed).astype(np.uint8))


def star(choices: choices_lib.Choices, middle, radius: float) -> list[canvas_lib.Point]:
  """Returns the points of a star around a place."""
  count, inner = choices.integer(4, 9), choices.number(0.35, 0.8)
  turn = choices.number(0.0, math.pi)
  return [
    (
      float(middle[0])
      + radius * (inner if number % 2 else 1.0) * math.cos(turn + math.pi * number / count),
      float(middle[1])
      + radius * (inner if number % 2 else 1.0) * math.sin(turn + math.pi * number / count),
    )
    for number in range(2 * count)
  ]


def blob(choices: choices_lib.Choices, middle, radius: float) -> list[canvas_lib.Point]:
  """Returns the points of a closed smooth shape around a place."""
  angles = np.linspace(0.0, 2 * np.pi, 72, endpoint=False)
  far = np.ones(72)
  for number in (2, 3, 5):
    far += choices.number(0.0, 0.5 / number) * np.cos(number * angles + choices.number(0.0, 6.3))
  points = np.stack(
    [middle[0] + radius * far * np.cos(angles), middle[1] + radius * far * np.sin(angles)], 1
  )
  return [tuple(point) for point in points.tolist()]


def _emblem(choices, side):
  """Returns the mask of a symbol: rings, stars, letters or crossed shapes."""
  canvas = canvas_lib.Canvas(side, choices_lib.BLACK, 4)
  white, black = choices_lib.WHITE, choices_lib.BLACK
  kind, middle = choices.integer(0, 4), (side / 2, side / 2)
  low, high = 0.12 * side, 0.88 * side
  if kind == 0:
    canvas.ellipse((low, low, high, high), white)
    hole = side * choices.number(0.2, 0.4)
    canvas.ellipse((hole, hole, side - hole, side - hole), black)
  elif kind == 1:
    canvas.polygon(star(choices, middle, 0.4 * side), white)
  elif kind == 2:
    canvas.rectangle((low, low, high, high), white, radius=side * choices.number(0.02, 0.3))
    canvas.polygon(star(choices, middle, 0.28 * side), black)
  elif kind == 3:
    for number in range(choices.integer(2, 5)):
      angle = 90 * number + choices.number(0, 40)
      far = low + number * 0.07 * side
      canvas.arc((far, far, side - far, side - far), angle, angle + 230, white, 0.045 * side)
  else:
    canvas.slice((low, low, high, high), choices.number(0, 90), choices.number(120, 340), white)
  mask = canvas.finished().convert("L")
  if kind == 4:
    text, style = (
      choices.pick("ABDEGKMQRSW&@"),
      lettering.Style("DejaVuSans-Bold", max(8, side // 2)),
    )
    letter = Image.new("RGB", (side, side))
    lettering.centred(letter, (0, 0, side, side), text, style, white)
    mask = Image.fromarray(np.asarray(mask) ^ np.asarray(letter.convert("L")))
  return mask
