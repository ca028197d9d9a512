"""Text in the fonts of Matplotlib and Pillow, rendered as screens and printers do.

The fonts are DejaVu (Bitstream Vera licence), STIX (OFL), Computer Modern (BaKoMa licence)
and Pillow's own Aileron (CC0). Text is laid out by Pillow's basic engine: the other one depends on
what a system has installed.
"""

import dataclasses
import functools
import math
import typing
import unicodedata

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from deblock.records import installed
from deblock.records.graphics import choices as choices_lib

AILERON = ""  # Pillow's own font has no file.
SANS = (
  AILERON, AILERON, "DejaVuSans", "DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "cmss10",
)  # fmt: skip
SERIF = (
  "STIXGeneral", "STIXGeneral", "STIXGeneralBol", "STIXGeneralItalic", "STIXGeneralBolIta",
  "DejaVuSerif", "DejaVuSerif-Bold", "DejaVuSerif-Italic", "cmr10", "cmb10", "cmti10",
)  # fmt: skip
MONO = ("DejaVuSansMono", "DejaVuSansMono", "DejaVuSansMono-Bold", "DejaVuSansMono-Oblique")
ALL = SANS + SERIF + MONO

# gray: as FreeType antialiases; aliased: without; subpixel: a third of a pixel for each channel, as
# on LCD screens; scaled: drawn large and shrunk, not hinted.
MODES = ("gray", "aliased", "subpixel", "scaled")
_MODES_OF_SCREENS = ("gray", "gray", "gray", "subpixel", "subpixel", "scaled", "aliased")
_FINE = 3  # Subpixels of a pixel.
_LARGE = 4


@dataclasses.dataclass(frozen=True)
class Style:
  """How text looks.

  Attributes:
    face: of `ALL`.
    size: in pixels to the em, 6 or more.
    mode: of `MODES`.
    stretch: width of a letter over its usual one; other than 1 for the mode "scaled" only.
  """

  face: str
  size: int
  mode: str = "gray"
  stretch: float = 1.0

  def sized(self, size: float) -> "Style":
    """Returns the style in another size."""
    return dataclasses.replace(self, size=max(6, round(size)))

  def faced(self, face: str) -> "Style":
    """Returns the style in another face."""
    return dataclasses.replace(self, face=face)


def style(
  choices: choices_lib.Choices, faces: tuple[str, ...] = SANS, sizes: tuple[int, int] = (9, 22)
) -> Style:
  """Returns a style of one of the faces, its size in the range, rendered as a screen might."""
  mode = choices.pick(_MODES_OF_SCREENS)
  stretch = choices.number(0.75, 1.25) if mode == "scaled" else 1.0
  return Style(choices.pick(faces), choices.integer(*sizes), mode, stretch)


@functools.lru_cache(maxsize=256)
def font(face: str, size: int) -> ImageFont.FreeTypeFont:
  """Returns a font of `ALL` in a size.

  Raises:
    FileNotFoundError: if Matplotlib is not installed.
  """
  basic = ImageFont.Layout.BASIC
  if face == AILERON:
    made = typing.cast(ImageFont.FreeTypeFont, ImageFont.load_default(size))
    # Its file is inside Pillow's code: opened again, for the basic layout.
    return made.font_variant(layout_engine=basic)
  path = installed.path("matplotlib", f"mpl-data/fonts/ttf/{face}.ttf")
  return ImageFont.truetype(path, size, layout_engine=basic)


def width(text: str, style: Style) -> int:
  """Returns the pixels that a line of text takes across."""
  letters = _with_letters_of(style.face, text)
  return round(font(style.face, style.size).getlength(letters) * style.stretch)


def write(
  image: Image.Image,
  place: tuple[float, float],
  text: str,
  style: Style,
  colour: choices_lib.Colour,
) -> None:
  """Draws a line of text into an image of mode RGB.

  Args:
    image: is changed.
    place: left and top, in pixels.
    text: without line breaks.
    style: how.
    colour: of the letters.
  """
  left, top = round(place[0]), round(place[1])
  text = _with_letters_of(style.face, text)
  if style.mode in ("gray", "aliased"):
    pen = ImageDraw.Draw(image)
    pen.fontmode = "L" if style.mode == "gray" else "1"
    pen.text((left, top), text, fill=colour, font=font(style.face, style.size))
    return
  coverage = _coverage(text, style)
  if coverage is None:
    return
  height, across = coverage.shape[:2]
  box = (left, top, left + across, top + height)
  ground = np.asarray(image.crop(box), np.float32)
  share = coverage.astype(np.float32) / 255.0
  if share.ndim == 2:
    share = share[..., np.newaxis]
  mixed = ground + share * (np.array(colour, np.float32) - ground)
  image.paste(Image.fromarray(np.rint(mixed).astype(np.uint8)), (left, top))


def centred(
  image: Image.Image,
  box: tuple[float, float, float, float],
  text: str,
  style: Style,
  colour: choices_lib.Colour,
) -> None:
  """Draws a line of text into the middle of a box: left, top, right, bottom."""
  left = (box[0] + box[2] - width(text, style)) / 2
  write(image, (left, (box[1] + box[3]) / 2 - 0.62 * style.size), text, style, colour)


def fitting(text: str, style: Style, across: float) -> str:
  """Returns the beginning of a text that is no wider than that."""
  while text and (wide := width(text, style)) > across:
    # At least one letter less, and about as many as are too much.
    text = text[: min(len(text) - 1, max(0, int(len(text) * across / wide)))]
  return text


def _with_letters_of(face, text):
  """Returns a text in which faces of few letters have all they need: ASCII alone."""
  if text.isascii() or face.startswith(("DejaVu", "STIX")):
    return text
  return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")


def _coverage(text, style):
  """Returns how much of each pixel letters cover, uint8 [H, W] or [H, W, 3]; None if nothing."""
  factor = _FINE if style.mode == "subpixel" else _LARGE
  large = font(style.face, style.size * factor)
  across, down = large.getbbox(text)[2:]
  columns, rows = (2 + math.ceil(side / factor) for side in (across, down))
  if across <= 0 or down <= 0:
    return None
  mask = Image.new("L", (columns * factor, rows * factor))
  # A pixel from the left, so that the filter below finds room.
  ImageDraw.Draw(mask).text((factor, 0), text, fill=255, font=large)
  if style.mode == "scaled":
    size = (max(1, round(columns * style.stretch)), rows)
    return np.asarray(mask.resize(size, Image.Resampling.BOX))
  fine = mask.resize((columns * _FINE, rows), Image.Resampling.BOX)
  # FreeType's default filter over five subpixels, which keeps colour fringes small.
  kernel = np.zeros((5, 5))
  kernel[2] = (8, 77, 86, 77, 8)
  fine = fine.filter(ImageFilter.Kernel((5, 5), kernel.ravel().tolist(), 256))
  return np.asarray(fine).reshape(rows, columns, _FINE)
