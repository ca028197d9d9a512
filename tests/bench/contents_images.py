"""Images of the kinds that a restorer meets beside photographs, drawn with fixed seeds.

Each kind is a function of a seed (and of a photograph, where it is made of one) to uint8
[256, 256, 3]. None of them was seen in training.
"""

from collections.abc import Callable, Iterator
import pathlib

import numpy as np
from PIL import Image, ImageDraw, ImageFont

SIDE = 256
_WORDS = "Sphinx of black quartz, judge my vow: 1234567890 (every letter, and all the digits)."
_BAYER = np.array([[0, 2], [3, 1]])
for _ in range(2):
  _BAYER = np.block([[4 * _BAYER, 4 * _BAYER + 2], [4 * _BAYER + 3, 4 * _BAYER + 1]])


def drawing(seed: int) -> np.ndarray:
  """Returns flat shapes with outlines, drawn at four times the size."""
  generator = np.random.default_rng(seed)
  side = 4 * SIDE
  picture = Image.new("RGB", (side, side), _colour(generator, 200, 256))
  pen = ImageDraw.Draw(picture)
  for _ in range(14):
    left, top = generator.integers(0, 3 * SIDE, 2)
    right, bottom = np.add((left, top), generator.integers(SIDE // 4, 2 * SIDE, 2))
    shape = (pen.ellipse, pen.rectangle)[generator.integers(2)]
    shape((left, top, right, bottom), fill=_colour(generator), outline=(20, 20, 20), width=12)
  return np.array(picture.resize((SIDE, SIDE), Image.Resampling.BOX))


def text_on_white(seed: int) -> np.ndarray:
  """Returns antialiased lines of text of several sizes, black and coloured, on white."""
  generator = np.random.default_rng(seed)
  return _page(generator, (255, 255, 255), lambda: _colour(generator, 0, 141 if seed % 2 else 1))


def text_on_dark(seed: int) -> np.ndarray:
  """Returns antialiased lines of light text on a dark ground."""
  generator = np.random.default_rng(seed)
  paper = (0, 0, 0) if seed % 2 else (30, 30, 30)
  return _page(generator, paper, lambda: _colour(generator, 150, 256))


def screentone(seed: int) -> np.ndarray:
  """Returns a gray ramp as a comic prints it, dots of black in a turned grid, with outlines."""
  generator = np.random.default_rng(seed)
  rows, columns = np.mgrid[: 4 * SIDE, : 4 * SIDE]
  pitch = 4.0 * (4.0 + 2.0 * generator.random())
  turn = np.pi * (0.25 if seed % 2 == 0 else generator.random())
  across = np.cos(2 * np.pi * (np.cos(turn) * columns + np.sin(turn) * rows) / pitch)
  down = np.cos(2 * np.pi * (np.cos(turn) * rows - np.sin(turn) * columns) / pitch)
  tone = 0.6 * np.cos(rows / (150.0 + 100 * generator.random())) * np.cos(columns / 200.0)
  picture = Image.fromarray(np.where(0.5 * (across + down) > tone, 255, 0).astype(np.uint8))
  pen = ImageDraw.Draw(picture)
  for _ in range(5):
    corner = generator.integers(0, 3 * SIDE, 2)
    box = (*corner, *(corner + generator.integers(SIDE // 2, SIDE, 2)))
    pen.ellipse([int(value) for value in box], fill=255, outline=0, width=10)
  return _gray(picture.resize((SIDE, SIDE), Image.Resampling.BOX))


def bilevel_page(seed: int) -> np.ndarray:
  """Returns a page of black text on white as a scanner of one bit a pixel gives it."""
  generator = np.random.default_rng(seed)
  page = _page(generator, (255, 255, 255), lambda: (0, 0, 0))[..., 0].astype(float)
  return _gray(np.where(page + generator.normal(0.0, 20.0, page.shape) > 128, 255, 0))


def pixel_art(seed: int) -> np.ndarray:
  """Returns symmetric figures of few colours, each pixel shown as 3x3 or 5x5."""
  generator = np.random.default_rng(seed)
  scale = (3, 5)[seed % 2]
  count = -(-SIDE // scale)
  palette = np.array([_colour(generator) for _ in range(8)] + [(0, 0, 0), (255, 255, 255)])
  canvas = np.full((count, count), generator.integers(10))
  for top in range(1, count - 8, 10):
    for left in range(1, count - 8, 10):
      half = generator.integers(0, 10, (8, 4)) * (generator.random((8, 4)) > 0.4)
      canvas[top : top + 8, left : left + 8] = np.hstack([half, half[:, ::-1]])
  shown = palette[canvas].repeat(scale, 0).repeat(scale, 1)
  return shown[:SIDE, :SIDE].astype(np.uint8)


def flat_colours(seed: int) -> np.ndarray:
  """Returns rectangles of one colour each, pure black and white among them."""
  generator = np.random.default_rng(seed)
  picture = np.full((SIDE, SIDE, 3), 255, np.uint8)
  for number in range(16):
    top, left = generator.integers(0, SIDE - 24, 2)
    height, width = generator.integers(16, 120, 2)
    colour = ((0, 0, 0), (255, 255, 255))[number % 2] if number < 4 else _colour(generator)
    picture[top : top + height, left : left + width] = colour
  return picture


def gradients(seed: int) -> np.ndarray:
  """Returns smooth ramps between colours, straight and round, rounded to 8 bits."""
  generator = np.random.default_rng(seed)
  rows, columns = np.mgrid[:SIDE, :SIDE] / SIDE
  turn = 2 * np.pi * generator.random()
  straight = 0.5 + 0.5 * (np.cos(turn) * (columns - 0.5) + np.sin(turn) * (rows - 0.5))
  place = generator.random(2)
  away = np.clip(np.hypot(rows - place[0], columns - place[1]) * 1.2, 0.0, 1.0)
  share = np.where(rows < 0.5, straight, away)[..., np.newaxis]
  first, last = (np.array(_colour(generator), float) for _ in range(2))
  return np.rint(first + share * (last - first)).astype(np.uint8)


def ordered_dither(photograph: np.ndarray) -> np.ndarray:
  """Returns a photograph in black and white by an 8x8 Bayer matrix."""
  gray = np.asarray(Image.fromarray(photograph).convert("L"), float)
  limits = np.tile((_BAYER + 0.5) * 4.0, (SIDE // 8, SIDE // 8))
  return _gray(np.where(gray > limits, 255, 0))


def diffused_dither(photograph: np.ndarray) -> np.ndarray:
  """Returns a photograph in black and white by Floyd's and Steinberg's error diffusion."""
  return _gray(np.array(Image.fromarray(photograph).convert("1").convert("L")))


def gif(photograph: np.ndarray) -> np.ndarray:
  """Returns a photograph in 16 dithered colours."""
  picture = Image.fromarray(photograph)
  palette = picture.quantize(16)
  return np.array(
    picture.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG).convert("RGB")
  )


DRAWN: dict[str, Callable[[int], np.ndarray]] = {
  "drawings": drawing,
  "text on white": text_on_white,
  "text on dark": text_on_dark,
  "screentone": screentone,
  "bilevel page": bilevel_page,
  "pixel art": pixel_art,
  "flat colours": flat_colours,
  "gradients": gradients,
}
DITHERED: dict[str, Callable[[np.ndarray], np.ndarray]] = {
  "ordered dither": ordered_dither,
  "diffused dither": diffused_dither,
  "GIF, 16 colours": gif,
}


def photographs(folder: pathlib.Path, count: int) -> list[np.ndarray]:
  """Returns the middle of photographs, evenly from the folder's PNG images.

  Raises:
    FileNotFoundError: if there are none.
  """
  paths = sorted(folder.glob("*.png"))
  if not paths:
    raise FileNotFoundError(f"{folder} holds no PNG images.")
  made = []
  for path in paths[:: max(1, len(paths) // count)][:count]:
    pixels = np.array(Image.open(path).convert("RGB"))
    top, left = ((side - SIDE) // 2 for side in pixels.shape[:2])
    made.append(pixels[top : top + SIDE, left : left + SIDE])
  return made


def every(pictures: list[np.ndarray], seeds: range) -> Iterator[tuple[str, np.ndarray]]:
  """Yields the kind and the pixels of photographs, of what is made of them, and of drawn images."""
  for pixels in pictures:
    yield "photographs", pixels
  for kind, made_of in DITHERED.items():
    for seed in seeds:
      yield kind, made_of(pictures[seed % len(pictures)])
  for kind, draw in DRAWN.items():
    for seed in seeds:
      yield kind, draw(seed)


def _page(generator, paper, ink):
  picture = Image.new("RGB", (SIDE, SIDE), paper)
  pen, top = ImageDraw.Draw(picture), 4
  while top < SIDE:
    size = int(generator.integers(9, 26))
    begin = int(generator.integers(0, 20))
    pen.text((6, top), _WORDS[begin:], fill=ink(), font=ImageFont.load_default(size))
    top += size * 5 // 4
  return np.array(picture)


def _colour(generator, low=0, high=256):
  return tuple(int(value) for value in generator.integers(low, high, 3))


def _gray(levels):
  return np.repeat(np.asarray(levels).astype(np.uint8)[..., np.newaxis], 3, axis=2)
