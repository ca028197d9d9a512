"""Programs and pages on a screen: windows, web pages, and photographs with captions."""

from PIL import Image, ImageDraw

from deblock.records.graphics import canvas as canvas_lib
from deblock.records.graphics import choices as choices_lib
from deblock.records.graphics import lettering, samples, shapes, words


def window(choices: choices_lib.Choices, side: int) -> Image.Image:
  """Returns a program: a title, menus, buttons, fields, boxes to tick, lists and icons."""
  theme = choices.theme(0.4)
  canvas = canvas_lib.Canvas(side, theme.panel, 3)
  style = lettering.style(choices, lettering.SANS, (9, 15))
  radius, row = choices.pick((0.0, 3.0, 6.0)), round(style.size * choices.number(1.7, 2.4))
  texts: list[tuple] = []
  accent = choices.pick(theme.accents)
  canvas.rectangle((0, 0, side, row), accent if choices.happens(0.5) else theme.ground)
  texts.append(((10, 0.3 * row), words.line(choices, 3), style, theme.ink))
  for number in range(3):
    x = side - (number + 1) * row
    canvas.ellipse((x + 5, 5, x + row - 5, row - 5), theme.accents[number], None)
  left: float = 8
  while left < side - 60:
    text = words.label(choices)
    texts.append(((left, row + 0.3 * row), text, style, theme.ink))
    left += lettering.width(text, style) + 14
  aside = choices.integer(0, 1) * side * choices.number(0.2, 0.35)
  canvas.rectangle((0, 2 * row, aside, side), theme.ground, theme.edge)
  marked = choices.integer(2, side // row)
  for number in range(2, side // row if aside else 0):
    box = (4, (number + 0.1) * row, aside - 4, (number + 1) * row)
    if number == marked:
      canvas.rectangle(box, accent, None, 1.0, radius)
    icon = (10, box[1] + 4, 4 + 0.7 * row, box[3] - 5)
    canvas.rectangle(icon, choices.pick(theme.accents), None, 1.0, radius)
    text = lettering.fitting(words.label(choices), style, aside - row - 20)
    ink = theme.ground if number == marked else theme.ink
    texts.append(((8 + row, box[1] + 0.2 * row), text, style, ink))
  top: float = 2.3 * row
  while top < side:
    top = _row(choices, canvas, theme, texts, (aside + 10, top), style, row, radius, accent)
  image = canvas.finished()
  for place, text, kind, ink in texts:
    lettering.write(image, place, text, kind, ink)
  return image


def web_page(choices: choices_lib.Choices, side: int) -> Image.Image:
  """Returns a page of cards: photographs, headings, prose, badges and buttons."""
  theme = choices.theme(0.35)
  canvas = canvas_lib.Canvas(side, theme.panel if choices.happens(0.5) else theme.ground, 3)
  style = lettering.style(choices, lettering.SANS + lettering.SERIF[:5], (9, 15))
  columns = choices.integer(1, max(1, side // 170))
  gap, radius = choices.integer(6, 18), choices.pick((0.0, 4.0, 10.0))
  across = (side - (columns + 1) * gap) / columns
  texts: list[tuple] = []
  pictures = []
  for column in range(columns):
    left, top = gap + column * (across + gap), choices.number(-60, 20)
    while top < side:
      tall = across * choices.number(0.4, 0.8) if choices.happens(0.75) else 0.0
      rows = choices.integer(2, 6)
      bottom = top + tall + (rows + 2.6) * 1.5 * style.size
      edge = theme.edge if choices.happens(0.5) else None
      canvas.rectangle((left, top, left + across, bottom), theme.ground, edge, 1.0, radius)
      if tall:
        pictures.append(
          tuple(round(value) for value in (left + 1, top + 1, left + across - 1, top + tall))
        )
      head = style.sized(style.size * choices.number(1.15, 1.6))
      y = top + tall + 0.5 * style.size
      text = lettering.fitting(words.line(choices, 8).capitalize(), head, across - 16)
      texts.append(((left + 8, y), text, head, theme.ink))
      for number in range(rows):
        y += 1.5 * style.size
        text = lettering.fitting(words.line(choices, 24), style, across - 16)
        ink = choices.pick(theme.accents) if choices.happens(0.08) else theme.faint
        texts.append(((left + 8, y + 0.3 * head.size), text, style, ink if number else theme.ink))
      top = bottom + gap
  image = canvas.finished()
  for left, top, right, bottom in pictures:
    image.paste(samples.photograph(choices, right - left, bottom - top), (left, top))
  for place, text, kind, ink in texts:
    lettering.write(image, place, text, kind, ink)
  return image


def captioned(choices: choices_lib.Choices, side: int) -> Image.Image:
  """Returns a photograph with words upon it, a bar of buttons, a frame, or a mark of its owner."""
  image = samples.photograph(choices, side, side)
  kind = choices.integer(0, 3)
  if kind == 0:
    # Subtitles and memes: light letters with a dark rim.
    style = lettering.Style(
      "DejaVuSans-Bold", choices.integer(16, 44), "scaled", choices.number(0.7, 1.0)
    )
    for top in (choices.number(4, 40), side - 1.6 * style.size - choices.number(0, 40)):
      text = words.line(choices, 8)
      text = lettering.fitting(text.upper() if choices.happens(0.5) else text, style, side - 20)
      left = (side - lettering.width(text, style)) / 2
      ink = choices.pick((choices_lib.WHITE, (255, 235, 60)))
      for across in (-2, 0, 2):
        for down in (-2, 0, 2):
          lettering.write(image, (left + across, top + down), text, style, choices_lib.BLACK)
      lettering.write(image, (left, top), text, style, ink)
  elif kind == 1:
    theme = choices.theme(0.5)
    bar = choices.integer(side // 10, side // 3)
    ImageDraw.Draw(image).rectangle((0, side - bar, side, side), theme.ground)
    style = lettering.style(choices, lettering.ALL, (10, 20))
    for top in range(side - bar + 6, side, round(1.4 * style.size)):
      text = lettering.fitting(words.line(choices, 20), style, side - 20)
      lettering.write(image, (10, top), text, style, theme.ink)
  elif kind == 2:
    # Controls of a player or a camera over the picture, half transparent.
    layer = canvas_lib.Canvas(side, choices_lib.BLACK, 4)
    y, step = side - choices.integer(20, 70), choices.integer(28, 60)
    for x in range(step, side - step, step):
      layer.ellipse((x - 10, y - 10, x + 10, y + 10), None, choices_lib.WHITE, 2.0)
      layer.polygon(shapes.star(choices, (x, y), 6.0), choices_lib.WHITE)
    layer.rectangle((10, y - 24, side - 10, y - 21), choices_lib.WHITE)
    mask = layer.finished().convert("L").point([round(0.85 * level) for level in range(256)])
    image.paste(choices_lib.WHITE, (0, 0), mask)
    style = lettering.style(choices, lettering.SANS, (10, 16))
    lettering.write(image, (12, 10), words.line(choices, 4), style, choices_lib.WHITE)
  else:
    theme = choices.theme(0.3)
    inner = samples.photograph(choices, side // 2, side // 2)
    style = lettering.style(choices, lettering.ALL, (9, 15))
    image = Image.new("RGB", (side, side), theme.ground)
    left, top = (choices.integer(0, side // 2) for _ in range(2))
    for y in range(-4, side, round(1.5 * style.size)):
      lettering.write(image, (8, y), words.line(choices, 5 + side // 30), style, theme.ink)
    image.paste(theme.ground, (left - 8, top - 8, left + side // 2 + 8, top + side // 2 + 30))
    image.paste(inner, (left, top))
    text = lettering.fitting(words.line(choices, 10), style, side // 2)
    lettering.write(image, (left, top + side // 2 + 6), text, style, theme.faint)
  return image


def _row(choices, canvas, theme, texts, place, style, row, radius, accent):
  """Draws one row of a form, appends its texts, and returns the top of the next row."""
  left, top = place
  kind = choices.integer(0, 5)
  text = words.label(choices)
  if kind == 0:
    for _ in range(choices.integer(1, 3)):
      text = words.label(choices)
      right = left + lettering.width(text, style) + 26
      is_main = choices.happens(0.4)
      box, fill = (left, top, right, top + 0.85 * row), accent if is_main else theme.ground
      canvas.rectangle(box, fill, theme.edge, 1.0, radius)
      texts.append(
        ((left + 13, top + 0.15 * row), text, style, theme.ground if is_main else theme.ink)
      )
      left = right + 10
  elif kind == 1:
    texts.append(((left, top + 0.15 * row), text, style, theme.ink))
    start = left + lettering.width(text, style) + 12
    canvas.rectangle(
      (start, top, start + 12 * style.size, top + 0.85 * row), theme.ground, theme.edge, 1.0, radius
    )
    texts.append(((start + 6, top + 0.15 * row), words.number(choices), style, theme.faint))
  elif kind == 2:
    box = (left, top + 0.15 * row, left + style.size, top + 0.15 * row + style.size)
    ticked = choices.happens(0.5)
    canvas.rectangle(box, accent if ticked else theme.ground, theme.edge, 1.0, min(radius, 3.0))
    if ticked:
      x, y, size = box[0], box[1], style.size
      canvas.line(
        (
          (x + 0.2 * size, y + 0.5 * size),
          (x + 0.42 * size, y + 0.75 * size),
          (x + 0.8 * size, y + 0.2 * size),
        ),
        theme.ground,
        1.6,
      )
    texts.append(
      ((left + 1.6 * style.size, top + 0.1 * row), words.line(choices, 4), style, theme.ink)
    )
  elif kind == 3:
    share, long = choices.number(0.1, 0.9), 16 * style.size
    canvas.rectangle(
      (left, top + 0.4 * row, left + long, top + 0.55 * row), theme.edge, None, 1.0, 2.0
    )
    canvas.rectangle(
      (left, top + 0.4 * row, left + share * long, top + 0.55 * row), accent, None, 1.0, 2.0
    )
    x, y = left + share * long, top + 0.475 * row
    canvas.ellipse((x - 6, y - 6, x + 6, y + 6), theme.ground, accent, 1.5)
  elif kind == 4:
    for _ in range(choices.integer(3, 9)):
      canvas.rectangle((left, top, left + row, top + row), theme.ground, theme.edge, 1.0, radius)
      centre = (left + row / 2, top + row / 2)
      canvas.polygon(shapes.star(choices, centre, 0.35 * row), choices.pick(theme.accents))
      left += row + 5
  else:
    texts.append(((left, top), words.line(choices, choices.integer(3, 14)), style, theme.faint))
  return top + 1.25 * row
