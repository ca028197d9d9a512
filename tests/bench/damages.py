"""Kinds of damage beyond the test sets' JPEGs; drawings and pages of text as clean images."""

import io

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from deblock.launch.evaluation import protocol
from deblock.records.jpeg import codec

_SIDE = 512
_WORDS = "Sphinx of black quartz, judge my vow: 1234567890 (every letter, and all the digits)."


def _single(subsampling="420", gray=False):
  settings = protocol.ProtocolConfig(subsampling=subsampling, gray=gray)
  return lambda clean, quality: protocol.reference_and_jpeg(clean, quality, settings)


def _double(shift):
  def damage(clean, qualities):
    first, second = qualities
    settings = protocol.ProtocolConfig(double_quality=first, double_shift=shift)
    return protocol.reference_and_jpeg(clean, second, settings)

  return damage


def _saved_again(clean, times_and_quality):
  times, quality = times_and_quality
  data = codec.encode(clean, quality)
  for _ in range(times - 1):
    data = codec.encode(codec.decode(data), quality)
  return clean, data


def _resized(clean, qualities):
  """Returns a JPEG shrunk to two thirds and compressed again, and the clean image of that size."""
  first, second = qualities
  size = tuple(side * 2 // 3 for side in clean.shape[1::-1])

  def shrunk(image):
    return np.array(Image.fromarray(image).resize(size, Image.Resampling.LANCZOS))

  return shrunk(clean), codec.encode(shrunk(codec.decode(codec.encode(clean, first))), second)


def _lossless(clean, _):
  stream = io.BytesIO()
  Image.fromarray(clean).save(stream, "PNG")
  return clean, stream.getvalue()


# Name, function, and the clean images: photographs, drawings or text.
CASES = (
  ("4:2:0, quality 10", _single(), 10, "photographs"),
  ("4:2:0, quality 40", _single(), 40, "photographs"),
  ("4:2:0, quality 75", _single(), 75, "photographs"),
  ("4:2:0, quality 90", _single(), 90, "photographs"),
  ("4:4:4, quality 10", _single("444"), 10, "photographs"),
  ("4:4:4, quality 40", _single("444"), 40, "photographs"),
  ("gray, quality 10", _single(gray=True), 10, "photographs"),
  ("gray, quality 40", _single(gray=True), 40, "photographs"),
  ("quality 30, then 70 on the same grid", _double(0), (30, 70), "photographs"),
  ("quality 70, then 30 on the same grid", _double(0), (70, 30), "photographs"),
  ("quality 30, then 70 shifted by 4", _double(4), (30, 70), "photographs"),
  ("quality 70, then 30 shifted by 4", _double(4), (70, 30), "photographs"),
  ("quality 10, then 50 shifted by 4", _double(4), (10, 50), "photographs"),
  ("saved five times at quality 50", _saved_again, (5, 50), "photographs"),
  ("quality 30, two thirds of the size, then 80", _resized, (30, 80), "photographs"),
  ("drawings, quality 20", _single(), 20, "drawings"),
  ("drawings, quality 60", _single(), 60, "drawings"),
  ("text, quality 20", _single(), 20, "text"),
  ("text, quality 60", _single(), 60, "text"),
  ("clean, as JPEG of quality 95", _single(), 95, "photographs"),
  ("clean, as JPEG of quality 98", _single(), 98, "photographs"),
  ("clean, as PNG", _lossless, None, "photographs"),
)


def drawing(seed):
  """Returns flat shapes with antialiased outlines, uint8 [512, 512, 3]."""
  generator = np.random.default_rng(seed)
  picture = Image.new("RGB", (4 * _SIDE, 4 * _SIDE), tuple(generator.integers(200, 256, 3)))
  pen = ImageDraw.Draw(picture)
  for _ in range(24):
    left, top = generator.integers(0, 3 * _SIDE, 2)
    right, bottom = np.add((left, top), generator.integers(_SIDE // 4, 2 * _SIDE, 2))
    fill = tuple(generator.integers(0, 256, 3))
    shape = (pen.ellipse, pen.rectangle, pen.rounded_rectangle)[generator.integers(3)]
    rounded = {"radius": 80} if shape == pen.rounded_rectangle else {}
    shape((left, top, right, bottom), fill=fill, outline=(20, 20, 20), width=12, **rounded)
  return np.array(picture.resize((_SIDE, _SIDE), Image.Resampling.BOX))


def text(seed):
  """Returns a page of lines of several sizes and inks: uint8 [512, 512, 3]."""
  generator = np.random.default_rng(seed)
  paper = tuple(generator.integers(215, 256, 3))
  picture = Image.new("RGB", (_SIDE, _SIDE), paper)
  pen, top = ImageDraw.Draw(picture), 8
  while top < _SIDE:
    size = int(generator.integers(10, 30))
    begin = int(generator.integers(0, 20))
    ink = tuple(generator.integers(0, 110, 3))
    pen.text((8, top), _WORDS[begin:], fill=ink, font=ImageFont.load_default(size))
    top += size * 5 // 4
  return np.array(picture)
