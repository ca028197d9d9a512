"""Screentones and halftones: dots of ink in turned grids, as comics and newspapers are printed."""

import itertools
import math

import numpy as np
from PIL import Image, ImageOps

from deblock.records.graphics import canvas as canvas_lib
from deblock.records.graphics import choices as choices_lib
from deblock.records.graphics import glyphs, lettering, samples, shapes, words

_FINE = 3  # Samples of a pixel, to each side.
_LEVELS = np.linspace(0.0, 1.0, 257)
_NEWSPRINT_TURNS = (15.0, 75.0, 0.0, 45.0)  # Degrees, of cyan, magenta, yellow and black.


def comic(choices: choices_lib.Choices, side: int) -> Image.Image:
  """Returns panels with figures, screentones, lines of speed and balloons of words."""
  paper, ink = choices_lib.WHITE, choices_lib.BLACK
  canvas = canvas_lib.Canvas(side, paper, _FINE)
  masks = [canvas_lib.Canvas(side, ink, 1) for _ in range(choices.integer(1, 4))]
  coloured = choices.happens(0.25)
  panels = _panels(choices, side)
  for box in panels:
    if coloured:
      canvas.rectangle(box, choices.colour((0.1, 0.7), (0.7, 1.0)))
    choices.pick(masks).rectangle(box, paper if choices.happens(0.5) else ink)
    for _ in range(choices.integer(2, 6)):
      _figure(choices, canvas, masks, box, coloured)
    if choices.happens(0.3):
      _speed(choices, canvas, box, ink)
  image = canvas.finished()
  for mask in masks:
    image = _toned(choices, image, mask.finished().convert("L"), side)
  over = canvas_lib.Canvas(side, paper, 4)
  over.image.paste(image.resize(over.image.size, Image.Resampling.NEAREST))
  width = choices.number(1.5, 4.0)
  balloons = []
  for box in panels:
    over.rectangle(box, None, ink, width)
    for _ in range(choices.integer(0, 2)):
      balloons.append(_balloon(choices, over, box, width))
  image = over.finished()
  for box in balloons:
    _speech(choices, image, box)
  if not coloured and choices.happens(0.8):
    image = image.convert("L").convert("RGB")
  return image


def halftone(choices: choices_lib.Choices, side: int) -> Image.Image:
  """Returns a photograph or ramps printed in dots: black alone, or cyan, magenta, yellow, black."""
  if choices.happens(0.6):
    picture = ImageOps.autocontrast(samples.photograph(choices, side, side))
  else:
    picture = shapes.ramp(choices, side)
  pitch = choices.number(3.0, 9.0)
  fine = 1 if choices.happens(0.2) else _FINE
  if choices.happens(0.6):
    levels = np.asarray(picture.convert("L"), np.float32) / 255.0
    turn = choices.pick((45.0, 45.0, choices.number(0.0, 90.0)))
    printed = _dots(levels, pitch, turn, fine)[..., np.newaxis].repeat(3, 2)
    if choices.happens(0.2):
      ink, paper = np.array(choices.colour((0.4, 1.0), (0.0, 0.6))), np.array((250.0, 245.0, 230.0))
      printed = printed * (paper - ink) / 255.0 + ink / 255.0
    return Image.fromarray(np.rint(np.clip(printed * 255, 0, 255)).astype(np.uint8))
  light = np.asarray(picture, np.float32) / 255.0
  black = 1.0 - light.max(2)
  inks = (1.0 - light - black[..., np.newaxis]) / np.maximum(1.0 - black[..., np.newaxis], 1e-3)
  plates = [_dots(1.0 - inks[..., n], pitch, _NEWSPRINT_TURNS[n], fine) for n in range(3)]
  key = _dots(1.0 - black, pitch, _NEWSPRINT_TURNS[3], fine)
  printed = np.stack(plates, 2) * key[..., np.newaxis]
  return Image.fromarray(np.rint(printed * 255).astype(np.uint8))


def _dots(light, pitch, degrees, fine):
  """Returns light, [H, W] in [0, 1], as dots of ink whose size says how dark it is."""
  height, width = light.shape
  # The wave is seldom near its ends: a level is moved to where it leaves its own share of ink.
  shares = _LEVELS + 0.12 * np.sin(2 * np.pi * _LEVELS)
  levels = np.interp(light, shares, _LEVELS).astype(np.float32)
  wave = _wave(height * fine, width * fine, pitch * fine, math.radians(degrees))
  lit = wave.reshape(height, fine, width, fine) < levels[:, np.newaxis, :, np.newaxis]
  return lit.mean((1, 3), dtype=np.float32)


def _wave(height, width, pitch, turn):
  """Returns the mean of two waves across each other in a turned grid, float32 [H, W] in [0, 1]."""
  rows, columns = (2 * np.pi / pitch * np.arange(side) for side in (height, width))
  cosine, sine = math.cos(turn), math.sin(turn)

  def cosines(down, across):
    # The cosine of a sum, without a cosine for every pixel.
    parts = (function(angles) for angles in (down, across) for function in (np.cos, np.sin))
    a, b, c, d = (part.astype(np.float32) for part in parts)
    return np.outer(a, c) - np.outer(b, d)

  both = cosines(sine * rows, cosine * columns) + cosines(cosine * rows, -sine * columns)
  return 0.5 + 0.25 * both


def _toned(choices, image, mask, side):
  """Returns an image with a screentone where the mask is white: dots, lines or a ramp of dots."""
  fine = 1 if choices.happens(0.2) else _FINE
  turn, pitch = (
    choices.pick((45.0, 45.0, 30.0, 0.0, choices.number(0.0, 90.0))),
    choices.number(2.5, 8.0),
  )
  level = choices.number(0.25, 0.9)
  light = np.full((side, side), level, np.float32)
  if choices.happens(0.4):
    light = np.linspace(choices.number(0.0, 0.5), 1.0, side, dtype=np.float32)[
      :, np.newaxis
    ].repeat(side, 1)
  tone = np.rint(255 * _dots(light, pitch, turn, fine)).astype(np.uint8)
  flat = Image.fromarray(np.minimum(np.asarray(image), tone[..., np.newaxis]))
  return Image.composite(flat, image, mask)


def _panels(choices, side):
  """Returns the boxes of a page's panels, rows of one to three."""
  gap, boxes, top = choices.number(5.0, 14.0), [], choices.number(-40.0, 12.0)
  while top < side:
    tall = side * choices.number(0.28, 0.7)
    edges = [choices.number(-30.0, 12.0)]
    while edges[-1] < side - 30:
      edges.append(edges[-1] + side * choices.number(0.3, 0.9))
    boxes += [(left, top, right - gap, top + tall) for left, right in itertools.pairwise(edges)]
    top += tall + gap
  return boxes


def _figure(choices, canvas, masks, box, coloured):
  left, top, right, bottom = box
  middle = np.array((choices.number(left, right), choices.number(top, bottom)))
  radius = 0.3 * min(right - left, bottom - top) * choices.number(0.4, 1.2)
  fill = choices.pick((choices_lib.WHITE, choices_lib.WHITE, choices_lib.BLACK))
  if coloured:
    fill = choices.colour((0.3, 1.0), (0.4, 1.0))
  width = choices.number(1.0, 3.5)
  round_box = (middle[0] - radius, middle[1] - radius, middle[0] + radius, middle[1] + 1.2 * radius)
  mask = choices.pick(masks)
  shown = choices_lib.WHITE if choices.happens(0.5) else choices_lib.BLACK
  if choices.happens(0.25):
    canvas.ellipse(round_box, fill, choices_lib.BLACK, width)
    mask.ellipse(round_box, shown)
    return
  shape = shapes.star if choices.happens(0.25) else shapes.blob
  points = shape(choices, middle, radius)
  canvas.polygon(points, fill, choices_lib.BLACK, width)
  mask.polygon(points, shown)


def _speed(choices, canvas, box, ink):
  """Draws lines towards the middle of a panel from its edges."""
  left, top, right, bottom = box
  x, y = (left + right) / 2, (top + bottom) / 2
  for _ in range(choices.integer(20, 70)):
    angle, far = choices.number(0.0, 2 * math.pi), choices.number(0.35, 0.6)
    across, down = math.cos(angle), math.sin(angle)
    ends = [(x + n * across * (right - left), y + n * down * (bottom - top)) for n in (far, 0.75)]
    inside = [(min(max(a, left), right), min(max(b, top), bottom)) for a, b in ends]
    canvas.line(inside, ink, choices.number(0.5, 2.0))


def _balloon(choices, canvas, box, width):
  """Draws a balloon with a tail into a panel, and returns the box for its words."""
  left, top, right, bottom = box
  wide, tall = (
    (right - left) * choices.number(0.25, 0.5),
    (bottom - top) * choices.number(0.2, 0.45),
  )
  x, y = choices.number(left, right - wide), choices.number(top, bottom - tall)
  tail = [
    (x + 0.4 * wide, y + 0.8 * tall),
    (x + 0.6 * wide, y + 0.8 * tall),
    (x + 0.3 * wide, y + 1.3 * tall),
  ]
  shape = (x, y, x + wide, y + tall)
  canvas.polygon(tail, choices_lib.WHITE, choices_lib.BLACK, width)
  canvas.ellipse(shape, choices_lib.WHITE, choices_lib.BLACK, width)
  canvas.polygon(
    [(a, b - 2 * width) for a, b in tail[:2]] + [(tail[2][0], tail[2][1] - 3 * width)],
    choices_lib.WHITE,
  )
  return (x + 0.16 * wide, y + 0.18 * tall, x + 0.84 * wide, y + 0.82 * tall)


def _speech(choices, image, box):
  """Writes words into a box: Latin in capitals, or columns of other shapes."""
  left, top, right, bottom = box
  if choices.happens(0.4):
    size = choices.integer(10, 20)
    face = glyphs.face(choices, size)
    for x in range(round(right) - size, round(left), -round(1.2 * size)):
      for y in range(round(top), round(bottom) - size, size):
        image.paste(choices_lib.BLACK, (x, y), glyphs.glyph(choices, size, face))
    return
  faces = (lettering.AILERON, "DejaVuSans-Bold", "DejaVuSans-BoldOblique", "cmss10")
  style = lettering.style(choices, faces, (8, 16))
  for y in range(round(top), round(bottom - style.size), round(1.2 * style.size)):
    text = lettering.fitting(words.line(choices, 5).upper(), style, right - left)
    lettering.centred(image, (left, y, right, y + 1.2 * style.size), text, style, choices_lib.BLACK)
