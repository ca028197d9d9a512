"""Images of few colours: scans of one bit a pixel, ordered and diffused dithers, GIF palettes."""

import numpy as np
from PIL import Image, ImageFilter, ImageOps

from deblock.records.graphics import choices as choices_lib
from deblock.records.graphics import diagrams, interfaces, pages, samples, shapes


def scan(choices: choices_lib.Choices, side: int) -> Image.Image:
  """Returns a page as a scanner of one bit a pixel, or of gray levels, gives it."""
  drawn = choices.pick(
    (pages.page, pages.table, pages.ideographs, pages.formulas, diagrams.line_art)
  )
  # Larger than the result, as the lines of a scan do not lie on its pixels.
  large = round(side * choices.number(1.0, 1.5))
  page = drawn(choices, large).convert("L")
  if np.asarray(page).mean() < 128:
    page = page.point([255 - level for level in range(256)])
  turn = choices.number(-2.0, 2.0) if choices.happens(0.6) else 0.0
  page = page.rotate(turn, Image.Resampling.BICUBIC, fillcolor=255)
  page = page.filter(ImageFilter.GaussianBlur(choices.number(0.2, 0.8)))
  page = page.resize((side, side), Image.Resampling.BICUBIC)
  grain = choices.number(1.0, 20.0)
  levels = np.asarray(page, float) + choices.generator.normal(0.0, grain, (side, side))
  if choices.happens(0.7):
    return _gray(np.where(levels > choices.number(100.0, 180.0), 255, 0))
  # Paper is white beyond a level, ink black, as scanners' own curves have it.
  low, high = choices.number(20.0, 60.0), choices.number(190.0, 235.0)
  return _gray(np.clip((levels - low) * 255.0 / (high - low), 0.0, 255.0))


def ordered(choices: choices_lib.Choices, side: int) -> Image.Image:
  """Returns a photograph or ramps in two to four levels a channel by a Bayer matrix."""
  # All levels are used: a light ramp alone would come out white.
  pixels = np.asarray(ImageOps.autocontrast(_subject(choices, side)), np.float32)
  order = choices.pick((2, 4, 8))
  limits = np.tile((bayer(order) + 0.5) / order**2, (-(-side // order),) * 2)[:side, :side]
  if choices.happens(0.6):
    pixels = np.asarray(Image.fromarray(pixels.astype(np.uint8)).convert("L"), np.float32)
  else:
    limits = limits[..., np.newaxis]
  steps = choices.pick((1, 1, 2, 3))
  levels = np.floor(pixels / 255.0 * steps + limits).clip(0, steps) * (255.0 / steps)
  return _enlarged(
    choices, _gray(levels) if levels.ndim == 2 else Image.fromarray(levels.astype(np.uint8))
  )


def diffused(choices: choices_lib.Choices, side: int) -> Image.Image:
  """Returns a photograph or ramps in black and white by Floyd's and Steinberg's error diffusion."""
  return _enlarged(
    choices, ImageOps.autocontrast(_subject(choices, side).convert("L")).convert("1").convert("RGB")
  )


def gif(choices: choices_lib.Choices, side: int) -> Image.Image:
  """Returns a photograph, ramps or a window in 4 to 64 colours, dithered or not."""
  if choices.happens(0.75):
    subject = ImageOps.autocontrast(_subject(choices, side))
  else:
    subject = interfaces.window(choices, side)
  colours = choices.pick((4, 8, 16, 16, 32, 64))
  dither = choices.pick(
    (Image.Dither.FLOYDSTEINBERG, Image.Dither.FLOYDSTEINBERG, Image.Dither.NONE)
  )
  palette = subject.quantize(colours)
  return _enlarged(choices, subject.quantize(palette=palette, dither=dither).convert("RGB"))


def bayer(order: int) -> np.ndarray:
  """Returns the Bayer matrix of that order, a power of two: int64, each of 0 to order² - 1 once."""
  made = np.zeros((1, 1), np.int64)
  while len(made) < order:
    made = np.block([[4 * made, 4 * made + 2], [4 * made + 3, 4 * made + 1]])
  return made


def _subject(choices, side):
  roll = choices.number(0.0, 1.0)
  if roll < 0.7:
    return samples.photograph(choices, side, side)
  return shapes.gradients(choices, side) if roll < 0.9 else shapes.logo(choices, side)


def _enlarged(choices, image):
  """Returns an image, at times its middle with each pixel as a square of 2 or 3."""
  scale = choices.pick((1, 1, 1, 1, 2, 3))
  part = -(-image.width // scale)
  first = (image.width - part) // 2
  middle = image.crop((first, first, first + part, first + part))
  large = middle.resize((part * scale, part * scale), Image.Resampling.NEAREST)
  return large.crop((0, 0, image.width, image.width))


def _gray(levels):
  """Returns an image of mode RGB of levels, [H, W] in [0, 255]."""
  return Image.fromarray(np.rint(levels).astype(np.uint8)).convert("RGB")
