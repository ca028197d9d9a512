import numpy as np
from PIL import Image
import pytest

from deblock.records.jpeg import codec
from deblock.records.jpeg import traces as jpeg_traces


@pytest.mark.parametrize(
  ("quality", "top", "left", "subsampling"),
  [(10, 0, 0, "420"), (30, 3, 5, "420"), (75, 7, 0, "444"), (90, 1, 6, "420"), (95, 4, 4, "422")],
)
def test_quality_and_grid_are_found(photograph, quality, top, left, subsampling):
  jpeg = codec.decode(codec.encode(photograph(192, 200), quality, subsampling))
  cut = jpeg[-top % 8 :, -left % 8 :]
  assert jpeg_traces.find(cut) == (quality, top, left, False)


@pytest.mark.parametrize(("quality", "subsampling"), [(10, "420"), (75, "444"), (90, "422")])
@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_turn_by_90_degrees_is_found(photograph, quality, subsampling, turns):
  jpeg = codec.decode(codec.encode(photograph(200, 192), quality, subsampling))
  found = jpeg_traces.find(np.rot90(jpeg, turns))
  assert found == (quality, 0, 0, turns != 2)


def test_gray_pixels_will_do(photograph):
  jpeg = codec.decode(codec.encode(codec.to_gray(photograph(128, 128)), 40))
  assert jpeg_traces.find(jpeg[..., 0]) == (40, 0, 0, False)


def test_of_two_qualities_the_last_is_found(photograph):
  once = codec.decode(codec.encode(photograph(192, 192), 85))
  twice = codec.decode(codec.encode(np.ascontiguousarray(once[4:, 4:]), 30))
  assert jpeg_traces.find(twice) == (30, 0, 0, False)


def test_of_a_large_image_the_middle_tells(photograph, monkeypatch):
  monkeypatch.setattr(jpeg_traces, "_LONGEST", 128)
  jpeg = codec.decode(codec.encode(photograph(250, 250), 40))
  assert jpeg_traces.find(jpeg[3:, 2:]) == (40, 5, 6, False)


def _ramp():
  rows, columns = np.mgrid[:96, :96]
  return (rows + columns + 1).astype(np.uint8)


@pytest.mark.parametrize(
  "clean",
  [
    lambda photograph: photograph(256, 256),
    lambda photograph: photograph(256, 256)[..., 1],
    lambda photograph: codec.decode(codec.encode(photograph(128, 128), 100)),
    lambda photograph: np.random.default_rng(0).integers(1, 255, (96, 96)).astype(np.uint8),
    lambda photograph: _ramp(),
    lambda photograph: np.full((64, 64, 3), 90, np.uint8),
    lambda photograph: np.zeros((64, 64), np.uint8),
    lambda photograph: photograph(15, 200),
    lambda photograph: photograph(1, 1),
  ],
)
def test_what_was_no_jpeg_has_no_traces(photograph, clean):
  assert jpeg_traces.find(clean(photograph)) is None


def test_a_resized_jpeg_has_lost_its_traces(photograph):
  jpeg = Image.fromarray(codec.decode(codec.encode(photograph(256, 256), 30)))
  assert jpeg_traces.find(np.asarray(jpeg.resize((200, 200)))) is None
