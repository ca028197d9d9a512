import io
import itertools

import imagehash
import numpy as np
from PIL import Image
import pytest

from deblock.records.planning import perceptual
from deblock.records.sources import packaged


@pytest.fixture(scope="module")
def photographs():
  return [np.asarray(Image.open(image.path).convert("RGB")) for image in packaged.packaged()]


def _distance(one, other):
  return (perceptual.perceptual_hash(one) ^ perceptual.perceptual_hash(other)).bit_count()


def _jpeg(pixels, quality):
  file = io.BytesIO()
  Image.fromarray(pixels).save(file, "JPEG", quality=quality)
  return np.asarray(Image.open(file))


def _scaled(pixels, factor):
  size = tuple(round(side * factor) for side in pixels.shape[1::-1])
  return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))


def _brighter(pixels, levels):
  return np.clip(pixels.astype(np.int16) + levels, 0, 255).astype(np.uint8)


def _trimmed(pixels, share):
  height, width = pixels.shape[:2]
  return pixels[round(share * height / 2) :, : width - round(share * width / 2)]


@pytest.mark.parametrize(
  "change",
  [
    lambda pixels: _jpeg(pixels, 30),
    lambda pixels: _jpeg(pixels, 75),
    lambda pixels: _jpeg(pixels, 95),
    lambda pixels: _scaled(pixels, 0.5),
    lambda pixels: _scaled(pixels, 0.77),
    lambda pixels: _scaled(pixels, 0.9),
    lambda pixels: _brighter(pixels, 12),
    lambda pixels: _trimmed(pixels, 0.01),
    lambda pixels: _jpeg(_scaled(pixels, 0.7), 60),
    lambda pixels: np.repeat(np.asarray(Image.fromarray(pixels).convert("L"))[..., None], 3, 2),
  ],
  ids=[
    "jpeg-30",
    "jpeg-75",
    "jpeg-95",
    "half",
    "0.77",
    "0.9",
    "brighter",
    "trimmed",
    "both",
    "gray",
  ],
)
def test_a_copy_with_the_same_look_is_near(photographs, change):
  for pixels in photographs:
    assert _distance(pixels, change(pixels)) <= perceptual.NEAR_BITS


def test_other_photographs_and_the_quarters_of_one_are_not_near(photographs):
  # Without the second eye of the stereo pair.
  others = list(photographs[:3])
  for pixels in photographs[:3]:
    height, width = pixels.shape[0] // 2, pixels.shape[1] // 2
    others += [pixels[:height, :width], pixels[height:, :width], pixels[height:, width:]]
  for one, other in itertools.combinations(others, 2):
    assert _distance(one, other) > perceptual.NEAR_BITS


def test_it_is_the_hash_of_the_library(photographs):
  # Images of up to 255 pixels a side are not averaged down.
  pixels = photographs[0][:200, :255]
  expected = imagehash.phash(Image.fromarray(pixels))
  assert f"{perceptual.perceptual_hash(pixels):016x}" == str(expected)


def test_the_parts_join_to_the_whole(photographs, monkeypatch):
  pixels = np.concatenate([photographs[0], photographs[0][::-1, :]])[:1021]
  expected = perceptual.perceptual_hash(pixels)
  monkeypatch.setattr(perceptual, "_ROWS_AT_ONCE", 10**6)
  assert perceptual.perceptual_hash(pixels) == expected


def test_an_array_with_other_strides_hashes_alike(photographs):
  view = photographs[0][:, ::-1]
  assert perceptual.perceptual_hash(view) == perceptual.perceptual_hash(view.copy())


@pytest.mark.parametrize("level", [0, 128, 255])
@pytest.mark.parametrize("shape", [(1, 1), (16, 400), (600, 500)])
def test_a_flat_image_has_no_hash(level, shape):
  flat = np.full((*shape, 3), level, np.uint8)
  assert perceptual.perceptual_hash(flat) is None
  rng = np.random.default_rng(0)
  grainy = _brighter(flat, rng.integers(-1, 2, flat.shape))
  assert perceptual.perceptual_hash(grainy) is None


def test_a_page_with_a_little_on_it_has_a_hash():
  page = np.full((600, 500, 3), 255, np.uint8)
  page[90:130, 60:400] = 30
  assert perceptual.perceptual_hash(page) is not None


@pytest.mark.parametrize("shape", [(1, 2), (2, 1), (1, 5000), (5000, 1), (129, 127), (40, 3000)])
def test_any_shape_has_64_bits(shape):
  pixels = np.zeros((*shape, 3), np.uint8)
  pixels[: -(-shape[0] // 2), : -(-shape[1] // 2)] = 200
  assert 0 <= perceptual.perceptual_hash(pixels) < 2**64
