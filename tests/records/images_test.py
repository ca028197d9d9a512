import pickle

import numpy as np
from PIL import Image
import pytest

from deblock.records import images

_RAMP = np.arange(6 * 4 * 3, dtype=np.uint8).reshape(6, 4, 3)


def _saved(path, picture, **options):
  picture.save(path, **options)
  return str(path)


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "ppm"])
def test_lossless_colour_is_read_as_it_is(tmp_path, suffix):
  path = _saved(tmp_path / f"a.{suffix}", Image.fromarray(_RAMP))
  pixels = images.read_rgb(path)
  assert pixels.dtype == np.uint8
  np.testing.assert_array_equal(pixels, _RAMP)


def test_orientation_is_applied(tmp_path):
  exif = Image.Exif()
  exif[0x0112] = 6  # To be turned a quarter clockwise.
  path = _saved(tmp_path / "a.png", Image.fromarray(_RAMP), exif=exif)
  np.testing.assert_array_equal(images.read_rgb(path), np.rot90(_RAMP, -1))


def test_transparency_lies_on_white(tmp_path):
  pixels = np.zeros((2, 2, 4), np.uint8)
  pixels[0, 0] = (10, 20, 30, 255)
  path = _saved(tmp_path / "a.png", Image.fromarray(pixels))
  read = images.read_rgb(path)
  assert read[0, 0].tolist() == [10, 20, 30]
  assert (read[1] == 255).all()


def test_gray_with_transparency_and_palettes_become_colour(tmp_path):
  gray = Image.fromarray(_RAMP[..., 0])
  alpha = Image.merge("LA", (gray, Image.new("L", gray.size, 255)))
  for number, picture in enumerate((gray, alpha, gray.convert("P"))):
    read = images.read_rgb(_saved(tmp_path / f"{number}.png", picture))
    np.testing.assert_array_equal(read, np.repeat(_RAMP[..., :1], 3, axis=2))


def test_two_colours_are_black_and_white(tmp_path):
  picture = Image.fromarray(np.array([[0, 255], [255, 0]], np.uint8)).convert("1")
  read = images.read_rgb(_saved(tmp_path / "a.png", picture))
  assert read[..., 0].tolist() == [[0, 255], [255, 0]]


def test_the_high_byte_of_16_bits_is_kept(tmp_path):
  samples = np.array([[0, 255, 256], [0x1234, 0xFF00, 0xFFFF]], np.uint16)
  for suffix in ("png", "tif"):
    read = images.read_rgb(_saved(tmp_path / f"a.{suffix}", Image.fromarray(samples)))
    assert read[..., 1].tolist() == [[0, 0, 1], [0x12, 0xFF, 0xFF]]


def test_cmyk_becomes_rgb(tmp_path):
  picture = Image.new("CMYK", (8, 8), (0, 255, 255, 0))
  read = images.read_rgb(_saved(tmp_path / "a.tif", picture))
  assert (read == (255, 0, 0)).all()


def test_a_picture_with_a_preview_behind_it_is_read(tmp_path):
  picture = Image.fromarray(np.full((16, 16, 3), 90, np.uint8))
  path = _saved(
    tmp_path / "a.jpg", picture, format="MPO", save_all=True, append_images=[picture.copy()]
  )
  assert images.read_rgb(path).shape == (16, 16, 3)


def _problem(path, **options):
  with pytest.raises(images.ImageError) as caught:
    images.read_rgb(str(path), **options)
  assert str(caught.value) == f"{path}: {caught.value.reason}"
  return caught.value.reason


def test_an_empty_file_is_named(tmp_path):
  path = tmp_path / "empty.png"
  path.write_bytes(b"")
  assert _problem(path) == "cannot be read as an image: the file is empty"


def test_a_file_that_is_no_image_is_named(tmp_path):
  path = tmp_path / "text.png"
  path.write_text("These are words.")
  assert _problem(path) == "cannot be read as an image: it has no known image format"


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "webp"])
def test_a_truncated_file_is_named(tmp_path, photograph, suffix):
  path = tmp_path / f"cut.{suffix}"
  Image.fromarray(photograph(64, 64)).save(path)
  path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
  assert _problem(path).startswith("cannot be read as an image: ")


def test_a_missing_file_and_a_folder_are_named(tmp_path):
  assert "cannot be read: " in _problem(tmp_path / "none.png")
  assert "cannot be read: " in _problem(tmp_path)


def test_too_many_pixels_are_refused_before_decoding(tmp_path):
  path = _saved(tmp_path / "large.png", Image.new("RGB", (100, 50)))
  assert images.read_rgb(path, max_pixels=5000).shape == (50, 100, 3)
  reason = _problem(path, max_pixels=4999)
  assert reason == "is too large: 100x50 pixels, more than 4999 in all"


def test_the_decoder_itself_stops_a_bomb(tmp_path, monkeypatch):
  path = _saved(tmp_path / "bomb.png", Image.new("RGB", (100, 50)))
  monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
  assert "decompression bomb" in _problem(path)


@pytest.mark.parametrize("suffix", ["gif", "tif", "webp"])
def test_several_frames_are_no_photograph(tmp_path, suffix):
  frames = [Image.new("RGB", (8, 8), color) for color in ("red", "blue", "green")]
  path = tmp_path / f"a.{suffix}"
  frames[0].save(path, save_all=True, append_images=frames[1:])
  assert _problem(path) == "is no single photograph: it has 3 frames"


def test_floating_point_is_refused(tmp_path):
  path = _saved(tmp_path / "a.tif", Image.fromarray(np.zeros((4, 4), np.float32)))
  assert "floating-point" in _problem(path)


def test_the_error_survives_the_way_between_processes():
  error = pickle.loads(pickle.dumps(images.ImageError("a.png", "is bad")))
  assert (error.path, error.reason, str(error)) == ("a.png", "is bad", "a.png: is bad")
