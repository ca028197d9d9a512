import numpy as np
import pytest

from deblock.records.jpeg import codec


def test_the_same_image_gives_the_same_bytes(photograph):
  image = photograph(48, 48)
  assert codec.encode(image, 30) == codec.encode(image.copy(), 30)


@pytest.mark.parametrize("channels", [1, 3])
def test_png_is_without_loss(photograph, channels):
  image = photograph(17, 15)[..., :channels]
  pixels = codec.decode_png(codec.encode_png(image))
  assert pixels.dtype == np.uint8
  np.testing.assert_array_equal(pixels, np.broadcast_to(image, (17, 15, 3)))


def test_streams_that_are_no_images_are_refused(photograph):
  data = codec.encode(photograph(64, 64), 50)
  with pytest.raises(ValueError, match="3 bytes cannot be decoded as JPEG"):
    codec.decode(b"abc")
  with pytest.raises(ValueError, match="cannot be decoded as JPEG"):
    codec.decode(data[: len(data) // 2])
  with pytest.raises(ValueError, match="cannot be decoded as PNG"):
    codec.decode_png(data)


@pytest.mark.parametrize(
  ("image", "message"),
  [
    (np.zeros((8, 8, 3), np.float32), "uint8 array, got float32"),
    (np.zeros((8, 8), np.uint8), r"shape \[H, W, 3\] or \[H, W, 1\], got \[8, 8\]"),
    (np.zeros((0, 8, 3), np.uint8), r"got \[0, 8, 3\]"),
  ],
)
def test_arrays_that_are_no_images_are_refused(image, message):
  with pytest.raises(ValueError, match=message):
    codec.encode(image, 50)
  with pytest.raises(ValueError, match=message):
    codec.encode_png(image)


def test_settings_that_do_not_exist_are_refused():
  image = np.zeros((8, 8, 3), np.uint8)
  with pytest.raises(ValueError, match=r"quality must be an integer in \[1, 100\], got 0"):
    codec.encode(image, 0)
  with pytest.raises(ValueError, match="subsampling must be one of 420, 422, 444, got '411'"):
    codec.encode(image, 50, "411")
