"""Every kind of drawn image, and the image of a (split, seed, index)."""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageFilter

from deblock.records.graphics import (
  charts,
  comics,
  diagrams,
  dithers,
  interfaces,
  pages,
  shapes,
)
from deblock.records.graphics import choices as choices_lib

# Image i is of kind i modulo their number: every run of so many images has each kind once. The
# order mixes them, since the first images of a source are often looked at.
KINDS: dict[str, Callable[[choices_lib.Choices, int], Image.Image]] = {
  "page": pages.page,
  "window": interfaces.window,
  "drawing": shapes.drawing,
  "comic": comics.comic,
  "chart": charts.chart,
  "code": pages.code,
  "captioned": interfaces.captioned,
  "gradients": shapes.gradients,
  "scan": dithers.scan,
  "map": diagrams.city_map,
  "ideographs": pages.ideographs,
  "web-page": interfaces.web_page,
  "halftone": comics.halftone,
  "logo": shapes.logo,
  "table": pages.table,
  "pixel-art": shapes.pixel_art,
  "flow": diagrams.flow,
  "ordered-dither": dithers.ordered,
  "slide": pages.slide,
  "line-art": diagrams.line_art,
  "terminal": pages.terminal,
  "diffused-dither": dithers.diffused,
  "formulas": pages.formulas,
  "gif": dithers.gif,
}
SMALLEST = 64
# Kinds whose pixels are the point: other sizes are shown by whole factors only.
_EXACT = ("pixel-art", "ordered-dither", "diffused-dither", "gif", "scan")
_FILTERS = (Image.Resampling.LANCZOS, Image.Resampling.BICUBIC, Image.Resampling.BILINEAR)
_RESCALED_SHARE = 0.15
_SHARPENED_SHARE = 0.3  # Of the rescaled ones.
_BLURRED_SHARE = 0.04


def kind(index: int) -> str:
  """Returns the kind of an image."""
  return tuple(KINDS)[index % len(KINDS)]


def draw(split: str, seed: int, index: int, side: int) -> np.ndarray:
  """Returns an image: uint8 [side, side, 3].

  It depends on the arguments only, and on the versions of NumPy, Pillow, Matplotlib's fonts and
  scikit-image's photographs.

  Args:
    split: "train" or "valid", which have no image in common.
    seed: of all images.
    index: of the image, 0 or more; decides its kind.
    side: in pixels, 64 or more.
  Raises:
    FileNotFoundError: if Matplotlib or scikit-image is not installed.
  """
  choices = choices_lib.Choices(split, seed, index)
  name = kind(index)
  large, blurred = side, False
  if name not in _EXACT:
    if choices.happens(_RESCALED_SHARE):
      # A screenshot or a scan that somebody has shrunk, or enlarged.
      large = max(SMALLEST, round(side * choices.number(0.7, 2.0)))
    blurred = choices.happens(_BLURRED_SHARE)
  image = KINDS[name](choices, large)
  if large != side:
    image = image.resize((side, side), choices.pick(_FILTERS))
    if choices.happens(_SHARPENED_SHARE):
      image = image.filter(ImageFilter.UnsharpMask(1.0, 80, 2))
  if blurred:
    image = image.filter(ImageFilter.GaussianBlur(choices.number(0.4, 1.5)))
  return np.asarray(image)
