import itertools

import numpy as np
import pytest
import tensorflow as tf

from deblock.records.jpeg import codec

_SIZES = ((64, 80), (63, 61), (17, 15), (16, 33))
_QUALITIES = (5, 25, 50, 75, 95)


def _images(photograph):
  for (height, width), channels in itertools.product(_SIZES, (3, 1)):
    yield photograph(height, width)[..., :channels]


@pytest.mark.parametrize("subsampling", ["420", "422", "444"])
@pytest.mark.parametrize("quality", _QUALITIES)
def test_both_decoders_give_the_same_pixels(photograph, quality, subsampling):
  for image in _images(photograph):
    data = codec.encode(image, quality, subsampling)
    pixels = codec.decode(data)
    assert pixels.shape == (*image.shape[:2], 3)
    assert pixels.dtype == np.uint8
    np.testing.assert_array_equal(codec.tf_decode(data).numpy(), pixels)


@pytest.mark.parametrize("subsampling", ["420", "444"])
@pytest.mark.parametrize("quality", _QUALITIES)
def test_both_encoders_give_the_same_pixels(photograph, quality, subsampling):
  for image in _images(photograph):
    expected = codec.decode(codec.encode(image, quality, subsampling))
    data = codec.tf_encode(image, quality, subsampling)
    np.testing.assert_array_equal(codec.tf_decode(data).numpy(), expected)


def test_the_quality_may_be_a_tensor_inside_a_dataset(photograph):
  image = photograph(63, 61)
  dataset = tf.data.Dataset.from_tensor_slices(list(_QUALITIES)).map(
    lambda quality: codec.tf_decode(codec.tf_encode(image, quality))
  )
  for quality, pixels in zip(_QUALITIES, dataset, strict=True):
    np.testing.assert_array_equal(pixels.numpy(), codec.decode(codec.encode(image, quality)))


def test_encoding_each_is_encoding_one_by_one(photograph):
  images = [photograph(24, 40, number) for number in range(3)]
  qualities = tf.constant([5, 50, 100], tf.int64)
  streams = codec.tf_encode_each(images, qualities)
  for stream, image, quality in zip(streams, images, qualities, strict=True):
    assert stream.numpy() == codec.tf_encode(image, quality).numpy()
  with pytest.raises(tf.errors.InvalidArgumentError, match=r"quality must be in \[1, 100\]"):
    codec.tf_encode_each(images, tf.constant([5, 101, 50]))


def test_the_same_image_gives_the_same_bytes(photograph):
  image = photograph(48, 48)
  assert codec.encode(image, 30) == codec.encode(image.copy(), 30)


def test_png_is_without_loss(photograph):
  for image in _images(photograph):
    data = codec.encode_png(image)
    pixels = codec.decode_png(data)
    np.testing.assert_array_equal(pixels, np.broadcast_to(image, pixels.shape))
    np.testing.assert_array_equal(codec.tf_decode_png(data).numpy(), pixels)


def test_streams_that_are_no_images_are_refused(photograph):
  data = codec.encode(photograph(64, 64), 50)
  with pytest.raises(ValueError, match="3 bytes cannot be decoded as JPEG"):
    codec.decode(b"abc")
  with pytest.raises(ValueError, match="cannot be decoded as JPEG"):
    codec.decode(data[: len(data) // 2])
  with pytest.raises(ValueError, match="cannot be decoded as PNG"):
    codec.decode_png(data)
  with pytest.raises(tf.errors.InvalidArgumentError):
    codec.tf_decode(data[: len(data) // 2])


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
  with pytest.raises(ValueError, match="subsampling must be one of 444, 422, 420, got '411'"):
    codec.encode(image, 50, "411")
  with pytest.raises(ValueError, match="no subsampling 422"):
    codec.tf_encode(image, 50, "422")
  with pytest.raises(ValueError, match="tensor needs subsampling 420, got 444"):
    codec.tf_encode(image, tf.constant(50), "444")
  with pytest.raises(tf.errors.InvalidArgumentError, match=r"quality must be in \[1, 100\]"):
    codec.tf_encode(image, tf.constant(0))
