"""Letters that no font has: strokes in a square, as dense as East Asian writing."""

import dataclasses

from PIL import Image, ImageDraw

from deblock.records.graphics import choices as choices_lib

_LARGE = 4
# Where the parts of a glyph lie: left, top, right, bottom of the unit square.
_PLANS = (
  ((0.0, 0.0, 1.0, 1.0),),
  ((0.0, 0.0, 0.36, 1.0), (0.42, 0.0, 1.0, 1.0)),
  ((0.0, 0.0, 1.0, 0.42), (0.0, 0.5, 1.0, 1.0)),
  ((0.0, 0.0, 0.36, 1.0), (0.44, 0.0, 1.0, 0.45), (0.44, 0.52, 1.0, 1.0)),
  ((0.0, 0.0, 1.0, 0.3), (0.0, 0.38, 0.45, 1.0), (0.55, 0.38, 1.0, 1.0)),
)


@dataclasses.dataclass(frozen=True)
class Face:
  """How strokes look: their widths, of a pixel in the result, and whether they are antialiased."""

  across: float
  down: float
  smooth: bool


def face(choices: choices_lib.Choices, size: int) -> Face:
  """Returns a face for glyphs of a size: even strokes, or thin ones across and thick ones down."""
  wide = max(1.0, size * choices.number(0.055, 0.12))
  thin = max(0.8, wide * choices.pick((1.0, 1.0, 0.45)))
  return Face(thin, wide, choices.happens(0.85))


def glyph(choices: choices_lib.Choices, size: int, face: Face) -> Image.Image:
  """Returns the mask of a random glyph, of mode L, size by size."""
  factor = _LARGE if face.smooth else 1
  mask = Image.new("L", (size * factor, size * factor))
  pen = ImageDraw.Draw(mask)
  plan = choices.pick(_PLANS)
  inner, first = 0.86 * size * factor, 0.07 * size * factor
  widths = tuple(max(1, round(width * factor)) for width in (face.across, face.down))
  # Strokes of small glyphs would run together.
  most = max(2, round(size / (2.6 * max(face.across, face.down) * len(plan) ** 0.5)))
  for left, top, right, bottom in plan:
    box = tuple(first + inner * value for value in (left, top, right, bottom))
    _part(choices, pen, box, widths, min(5, most))
  return mask.reduce(factor) if factor > 1 else mask


def _part(choices, pen, box, widths, most):
  """Draws strokes into a part: bars, a frame, or strokes that fall to both sides."""
  left, top, right, bottom = box
  thin, thick = widths
  kind = choices.integer(0, 3)
  if kind == 0:
    pen.rectangle(box, outline=255, width=thin)
  count = choices.integer(1, most)
  for number in range(count):
    down = top + (bottom - top) * (number + 0.5) / count
    if kind != 3 or number % 2 == 0:
      cut = choices.number(0.0, 0.25) * (right - left)
      pen.line((left + cut, down, right - cut, down), 255, thin)
  if kind in (1, 2):
    middle = choices.pick((0.2, 0.5, 0.5, 0.8)) * (right - left) + left
    pen.line((middle, top, middle, bottom), 255, thick)
  if kind in (2, 3):
    middle = (left + right) / 2
    pen.line((middle, (top + bottom) / 2, left, bottom), 255, thick)
    pen.line((middle, (top + bottom) / 2, right, bottom), 255, thick)
  if choices.happens(0.3):
    pen.line((left, top, left + (right - left) * 0.2, top + (bottom - top) * 0.2), 255, thick)
