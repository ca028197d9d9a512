"""Records that somebody made to do harm: sizes are compared before any pixel is decoded."""

import io
import time

import numpy as np
from PIL import Image
import pytest
import tensorflow as tf

from deblock.pipeline import degrade
from deblock.records.jpeg import codec
from deblock.records.layout import graph_codec, schema


def _jpeg(width, height, **options):
  buffer = io.BytesIO()
  Image.new("L", (width, height)).save(buffer, "JPEG", quality=10, **options)
  return buffer.getvalue()


def _many_scans(width, height, count):
  """Returns a progressive JPEG whose last scan comes again and again."""
  data = _jpeg(width, height, progressive=True)
  scan, end = data.rindex(b"\xff\xda"), data.rindex(b"\xff\xd9")
  return data[:end] + count * data[scan:end] + data[end:]


def _peak_bytes():
  with open("/proc/self/status") as file:  # noqa: PTH123
    return 1024 * next(int(line.split()[1]) for line in file if line.startswith("VmHWM"))


def test_a_stream_of_another_size_is_refused_by_its_header():
  data, clean = _jpeg(11_000, 11_000), np.zeros((48, 64, 3), np.uint8)
  # What TensorFlow itself takes once.
  with pytest.raises(tf.errors.InvalidArgumentError, match="another size than its tile"):
    degrade.decode_stored(tf.constant(_jpeg(64, 40)), clean)
  before = _peak_bytes()
  with pytest.raises(tf.errors.InvalidArgumentError, match="another size than its tile"):
    degrade.decode_stored(tf.constant(data), clean)
  with pytest.raises(ValueError, match="must have 48x64 pixels, got 11000x11000"):
    codec.decode(data, clean.shape[:2])
  assert _peak_bytes() - before < 100 * 2**20  # Decoded it takes 363 MB.


def test_a_stream_of_many_scans_is_refused_before_it_is_decoded():
  data, clean = _many_scans(1000, 1000, 3000), np.zeros((1000, 1000, 3), np.uint8)
  began = time.process_time()
  with pytest.raises(tf.errors.InvalidArgumentError, match="more than 4 scans"):
    degrade.decode_stored(tf.constant(data), clean)
  with pytest.raises(ValueError, match="has 3006 scans, more than 100"):
    codec.decode(data, clean.shape[:2])
  assert time.process_time() - began < 2.0  # Decoded it takes 5 s.


@pytest.mark.parametrize("quality", range(1, 101))
def test_streams_of_ours_pass_at_every_quality(photograph, quality):
  clean = photograph(48, 64)
  data = codec.encode(clean, quality)
  expected = codec.decode(data)
  np.testing.assert_array_equal(codec.decode(data, (48, 64)), expected)
  if quality % 10 == 0 or quality < 5:
    size = tf.constant([48, 64])
    np.testing.assert_array_equal(graph_codec.decode_sized(data, size).numpy(), expected)
  assert data.count(b"\xff\xda") == 1


@pytest.mark.parametrize(
  "shape", [(-1, 64, 3), (48, -1, 3), (64, 64, 3), (2**40, 2**40, 3), (0, 64, 3)]
)
def test_a_tile_of_an_impossible_shape_is_refused(shape):
  features = {
    "key": tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"a/0/0"])),
    "clean/value": tf.train.Feature(bytes_list=tf.train.BytesList(value=[bytes(48 * 64 * 3)])),
    "clean/shape": tf.train.Feature(int64_list=tf.train.Int64List(value=shape)),
    "compressed": tf.train.Feature(bytes_list=tf.train.BytesList(value=[_jpeg(64, 48)])),
    "qualities": tf.train.Feature(int64_list=tf.train.Int64List(value=[10])),
  }
  record = tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()
  with pytest.raises(tf.errors.InvalidArgumentError):
    schema.parse(tf.constant(record), "raw")
  with pytest.raises(ValueError, match="clean/shape must be the shape of 9216 samples, got"):
    schema.from_example(record, "raw")
