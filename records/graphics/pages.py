"""Pages of text: print, code editors, terminals, tables, East Asian shapes, formulas, slides."""

from PIL import Image, ImageDraw

from deblock.records.graphics import canvas, glyphs, lettering, words
from deblock.records.graphics import choices as choices_lib

_FORMULAS = "∑∫∂√∞≤≥≠≈±÷∈∉⊂∩∀∃αβγδεθλμπσφωΓΔΘΛΣΦΨΩ→⇒⇔∇·"


def page(choices: choices_lib.Choices, side: int) -> Image.Image:
  """Returns a page of prose in one to three columns, with headings."""
  theme = choices.theme(0.3)
  image = Image.new("RGB", (side, side), theme.ground)
  faces = choices.pick((lettering.SANS, lettering.SERIF, lettering.ALL))
  style = lettering.style(choices, faces, (8, 26))
  columns = choices.integer(1, 1 + side // max(160, 14 * style.size))
  margin, gap = choices.integer(4, min(40, side // 12)), choices.integer(10, 28)
  across = (side - 2 * margin - (columns - 1) * gap) // columns
  spacing = choices.number(1.15, 1.7)
  letters = words.letters_of(choices, style.face)
  for column in range(columns):
    left, top = margin + column * (across + gap), choices.integer(-10, 24)
    while top < side:
      head = choices.happens(0.08)
      kind = style.sized(style.size * choices.number(1.3, 2.2)) if head else style
      ink = choices.pick(theme.accents) if choices.happens(0.05) else theme.ink
      ink = theme.faint if choices.happens(0.05) else ink
      text = words.line(choices, 3 + across // (3 * kind.size), letters)
      short = 0.6 if choices.happens(0.15) else 1.0
      text = lettering.fitting(text, kind, across * short)
      lettering.write(image, (left, top), text, kind, ink)
      top += round(kind.size * spacing) + (style.size if choices.happens(0.1) else 0)
  return image


def code(choices: choices_lib.Choices, side: int) -> Image.Image:
  """Returns a program in an editor: coloured words, line numbers, a marked line."""
  theme = choices.theme(0.65)
  image = Image.new("RGB", (side, side), theme.ground)
  pen = ImageDraw.Draw(image)
  style = lettering.style(choices, lettering.MONO, (9, 19))
  down = round(style.size * choices.number(1.2, 1.6))
  roles = ("keyword", "call", "string", "number", "comment")
  colours = {"name": theme.ink, "mark": theme.ink, **dict(zip(roles, theme.accents, strict=False))}
  if choices.happens(0.6):
    colours["comment"] = theme.faint
  cell = max(1, lettering.width("m", style))
  gutter = 5 * cell if choices.happens(0.7) else cell
  if choices.happens(0.4):
    pen.rectangle((0, 0, gutter - cell, side), theme.panel)
  first, marked = choices.integer(1, 900), choices.integer(0, side // down)
  indent = 0
  for number in range(side // down + 1):
    top = number * down + 2
    if number == marked and choices.happens(0.7):
      pen.rectangle((gutter, top - 1, side, top + down - 2), theme.panel)
    if gutter > cell:
      lettering.write(image, (cell // 2, top), f"{first + number:>3}", style, theme.faint)
    left = gutter + indent * 2 * cell
    for text, role in words.code(choices):
      lettering.write(image, (left, top), text, style, colours[role])
      left += lettering.width(text, style)
    indent = min(8, max(0, indent + choices.pick((-1, 0, 0, 1))))
  return image


def terminal(choices: choices_lib.Choices, side: int) -> Image.Image:
  """Returns rows of a text screen in few colours, blocks and frames among them."""
  ground = choices.pick(
    (choices_lib.BLACK, choices_lib.BLACK, (0, 43, 54), (48, 10, 36), (0, 0, 170))
  )
  image = Image.new("RGB", (side, side), ground)
  pen = ImageDraw.Draw(image)
  style = lettering.style(choices, lettering.MONO, (10, 20))
  inks = [
    (170, 170, 170),
    (255, 255, 255),
    (85, 255, 85),
    (255, 255, 85),
    (85, 255, 255),
    (255, 85, 85),
  ]
  cell, down = max(1, lettering.width("m", style)), round(style.size * 1.2)
  for top in range(0, side, down):
    roll, ink = choices.number(0.0, 1.0), choices.pick(inks)
    if roll < 0.12:
      text = choices.pick(("─", "═", "█", "▒", "░", "-", "=", "#")) * choices.integer(
        8, side // cell
      )
    elif roll < 0.3:
      text = "$ " + words.line(choices, choices.integer(1, 6))
    elif roll < 0.5:
      text = "  ".join(f"{words.number(choices):>10}" for _ in range(choices.integer(2, 6)))
    else:
      text = words.line(choices, choices.integer(0, 10))
    if choices.happens(0.06):
      pen.rectangle((0, top, cell * len(text), top + down - 1), ink)
      ink = ground
    lettering.write(image, (2, top), text, style, ink)
  return image


def ideographs(choices: choices_lib.Choices, side: int) -> Image.Image:
  """Returns a page of shapes like those of East Asian writing, in rows or in columns."""
  theme = choices.theme(0.3)
  image = Image.new("RGB", (side, side), theme.ground)
  upright, top = choices.happens(0.3), choices.integer(0, 12)
  while top < side:
    size = choices.integer(11, 20) if choices.happens(0.85) else choices.integer(20, 44)
    ink = choices.pick((theme.ink, theme.ink, theme.ink, theme.faint, *theme.accents[:1]))
    count = (side - 8) // size
    if choices.happens(0.2):
      count = choices.integer(1, max(1, count))
    face = glyphs.face(choices, size)
    for number in range(count):
      if choices.happens(0.04):
        continue
      along, across = 4 + number * size, top
      place = (across, along) if upright else (along, across)
      image.paste(ink, place, glyphs.glyph(choices, size, face))
    top += round(size * choices.pick((1.15, 1.4, 1.6)))
  return image


def table(choices: choices_lib.Choices, side: int) -> Image.Image:
  """Returns a table of words and numbers with lines or striped rows."""
  theme = choices.theme(0.25)
  image = Image.new("RGB", (side, side), theme.ground)
  pen = ImageDraw.Draw(image)
  style = lettering.style(choices, choices.pick((lettering.SANS, lettering.SERIF)), (9, 16))
  down = round(style.size * choices.number(1.4, 2.2))
  edges = [0]
  while edges[-1] < side:
    edges.append(edges[-1] + choices.integer(5, 12) * style.size)
  striped, lined, ruled = (choices.happens(share) for share in (0.5, 0.6, 0.5))
  numeric = [choices.happens(0.6) for _ in edges]
  for row, top in enumerate(range(choices.integer(-8, 8), side, down)):
    head = row == 0
    fill = theme.accents[0] if head else theme.panel if striped and row % 2 else theme.ground
    ink = theme.ground if head else theme.ink
    pen.rectangle((0, top, side, top + down - 1), fill)
    if lined:
      pen.line((0, top, side, top), theme.edge)
    for left, right, is_number in zip(edges, edges[1:], numeric, strict=False):
      text = words.number(choices) if is_number and not head else words.label(choices)
      text = lettering.fitting(text, style, right - left - 8)
      start = right - 5 - lettering.width(text, style) if is_number else left + 5
      lettering.write(image, (start, top + (down - 1.25 * style.size) / 2), text, style, ink)
  if ruled:
    for left in edges[1:]:
      pen.line((left, 0, left, side), theme.edge)
  return image


def formulas(choices: choices_lib.Choices, side: int) -> Image.Image:
  """Returns a page of a paper: prose with lines of symbols, raised and lowered letters."""
  theme = choices.theme(0.15)
  image = Image.new("RGB", (side, side), theme.ground)
  style = lettering.style(choices, ("STIXGeneral", "STIXGeneralItalic", "DejaVuSerif"), (11, 26))
  top = 4
  while top < side:
    left: float = choices.integer(4, side // 3) if choices.happens(0.5) else 6
    while left < side - 20:
      if choices.happens(0.55):
        text = words.word(choices) + " "
        kind, raised = style, 0.0
      else:
        text = "".join(choices.pick(_FORMULAS) for _ in range(choices.integer(1, 3)))
        raised = choices.pick((0.0, 0.0, -0.15, 0.55))
        kind = style.sized(style.size * (0.65 if raised else choices.pick((1.0, 1.0, 1.5))))
      lettering.write(image, (left, top + raised * style.size), text, kind, theme.ink)
      left += lettering.width(text, kind) + 1
    top += round(style.size * choices.number(1.3, 2.4))
  return image


def slide(choices: choices_lib.Choices, side: int) -> Image.Image:
  """Returns large words on a plain or shaded ground: slides, posters, titles, buttons' labels."""
  first, last = choices.colour(), choices.colour()
  dark = sum(first) < 380
  shape = canvas.Canvas(side, first, 1)
  if choices.happens(0.5):
    for row in range(side):
      shape.rectangle((0, row, side, row + 1), choices_lib.mixed(first, last, row / side))
  image = shape.finished()
  ink = choices.colour((0.0, 0.5), (0.85, 1.0)) if dark else choices.colour((0.0, 1.0), (0.0, 0.35))
  top = choices.integer(0, 40)
  while top < side:
    style = lettering.style(
      choices, lettering.SANS + lettering.SERIF, (22, max(22, min(90, side // 5)))
    )
    text = lettering.fitting(words.line(choices, 6), style, side - 20)
    if choices.happens(0.25):
      lettering.write(image, (13, top + 3), text, style, choices.colour())
    lettering.write(image, (10, top), text, style, ink)
    top += round(style.size * choices.number(1.1, 1.8))
  return image
