import itertools

import numpy as np
import pytest
import tensorflow as tf

from deblock.records.jpeg import codec
from deblock.records.layout import graph_codec

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
    np.testing.assert_array_equal(graph_codec.decode(data).numpy(), pixels)


@pytest.mark.parametrize("subsampling", ["420", "444"])
@pytest.mark.parametrize("quality", _QUALITIES)
def test_both_encoders_give_the_same_pixels(photograph, quality, subsampling):
  for image in _images(photograph):
    expected = codec.decode(codec.encode(image, quality, subsampling))
    data = graph_codec.encode(image, quality, subsampling)
    np.testing.assert_array_equal(codec.decode(data.numpy()), expected)


def test_the_quality_may_be_a_tensor_inside_a_dataset(photograph):
  image = photograph(63, 61)
  dataset = tf.data.Dataset.from_tensor_slices(list(_QUALITIES)).map(
    lambda quality: graph_codec.decode(graph_codec.encode(image, quality))
  )
  for quality, pixels in zip(_QUALITIES, dataset, strict=True):
    np.testing.assert_array_equal(pixels.numpy(), codec.decode(codec.encode(image, quality)))


def test_encoding_each_is_encoding_one_by_one(photograph):
  images = [photograph(24, 40, number) for number in range(3)]
  qualities = tf.constant([5, 50, 100], tf.int64)
  streams = graph_codec.encode_each(images, qualities)
  for stream, image, quality in zip(streams, images, qualities, strict=True):
    assert stream.numpy() == graph_codec.encode(image, quality).numpy()
  with pytest.raises(tf.errors.InvalidArgumentError, match=r"quality must be in \[1, 100\]"):
    graph_codec.encode_each(images, tf.constant([5, 101, 50]))


def test_both_decoders_of_png_give_the_same_pixels(photograph):
  for image in _images(photograph):
    data = codec.encode_png(image)
    np.testing.assert_array_equal(graph_codec.decode_png(data).numpy(), codec.decode_png(data))


def test_a_truncated_stream_is_refused(photograph):
  data = codec.encode(photograph(64, 64), 50)
  with pytest.raises(tf.errors.InvalidArgumentError):
    graph_codec.decode(data[: len(data) // 2])


def test_settings_that_do_not_exist_are_refused():
  image = np.zeros((8, 8, 3), np.uint8)
  with pytest.raises(ValueError, match="encodes subsampling 420 and 444 only, got 422"):
    graph_codec.encode(image, 50, "422")
  with pytest.raises(ValueError, match="tensor needs subsampling 420, got 444"):
    graph_codec.encode(image, tf.constant(50), "444")
  with pytest.raises(tf.errors.InvalidArgumentError, match=r"quality must be in \[1, 100\]"):
    graph_codec.encode(image, tf.constant(0))
