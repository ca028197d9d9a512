import pathlib

import numpy as np
from PIL import Image, ImageDraw
import pytest

from deblock.records.jpeg import codec, screenshots

_CASES = pathlib.Path(__file__).parents[2] / "cases"


def _page(height, width):
  """Returns lines of text, dark on light, uint8 [height, width, 3]."""
  page = Image.new("RGB", (width, height), (244, 244, 248))
  draw = ImageDraw.Draw(page)
  for top in range(4, height, 18):
    draw.text((8, top), f"{top}: settings & words, 0123456789 " * 4, fill=(20, 20, 20))
  return np.array(page)


def _placed(page, jpeg, top, left):
  """Returns a page with an image on it and a margin around that."""
  made = page.copy()
  height, width = jpeg.shape[:2]
  made[top - 9 : top + height + 9, left - 9 : left + width + 9] = page[0, 0]
  made[top : top + height, left : left + width] = jpeg
  return made


@pytest.mark.parametrize(
  ("quality", "top", "left", "turned"),
  [(30, 57, 101, False), (75, 40, 64, True), (90, 61, 39, False)],
)
def test_the_photograph_is_found_to_the_pixel(photograph, quality, top, left, turned):
  jpeg = codec.decode(codec.encode(photograph(167, 205), quality))[3:, 2:]
  jpeg = jpeg.swapaxes(0, 1) if turned else jpeg
  found = screenshots.find(_placed(_page(330, 400), jpeg, top, left))
  assert (found.traces.quality, found.traces.turned) == (quality, turned)
  assert (found.rows.start, found.rows.stop) == (top, top + jpeg.shape[0])
  assert (found.columns.start, found.columns.stop) == (left, left + jpeg.shape[1])
  assert (found.traces.top, found.traces.left) == ((6, 5) if turned else (5, 6))


def test_a_photograph_at_the_border_is_taken_to_the_border(photograph):
  jpeg = codec.decode(codec.encode(photograph(167, 205), 40))
  page = _page(300, 400)
  page[:167, :205] = jpeg
  page[167:180, :220] = page[:180, 205:220] = 244
  found = screenshots.find(page)
  assert (found.rows, found.columns) == (slice(0, 167), slice(0, 205))


@pytest.mark.parametrize(
  "clean",
  [
    lambda photograph: _page(300, 400),
    lambda photograph: photograph(300, 400),
    lambda photograph: _placed(_page(300, 400), photograph(160, 200), 50, 60),
    lambda photograph: np.random.default_rng(0).integers(0, 255, (200, 200, 3)).astype(np.uint8),
    lambda photograph: np.full((200, 200), 90, np.uint8),
    lambda photograph: photograph(40, 400),
    lambda photograph: photograph(1, 1),
  ],
)
def test_what_has_no_traces_has_no_photograph(photograph, clean):
  assert screenshots.find(clean(photograph)) is None


def test_a_large_image_is_weighed_by_several_blocks_at_a_time(photograph, monkeypatch):
  jpeg = codec.decode(codec.encode(photograph(168, 208), 40))
  page = _placed(_page(330, 400), jpeg, 64, 96)
  expected = screenshots.find(page)
  monkeypatch.setattr(screenshots, "_MOST_LINES", 20)
  found = screenshots.find(page)
  assert found == expected
  monkeypatch.setattr(screenshots, "_LARGEST", 330 * 400 - 1)
  assert screenshots.find(page) is None
