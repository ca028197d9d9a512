"""Ways to spoil records, for tests of what notices."""

import dataclasses
import pathlib
import struct

import numpy as np
import tensorflow as tf

from deblock.records.jpeg import codec
from deblock.records.layout import schema

_HEADER, _FOOTER = 12, 4  # Bytes of a TFRecord before and after its data.


def read(path):
  """Returns the serialised records of a shard."""
  return list(tf.data.TFRecordDataset(str(path)).as_numpy_iterator())


def write(path, records):
  """Writes a shard of serialised records."""
  with tf.io.TFRecordWriter(str(path)) as writer:
    for record in records:
      writer.write(record)


def place(path, number):
  """Returns where the data of a record begins in its shard, in bytes."""
  data, begin = pathlib.Path(path).read_bytes(), 0
  for _ in range(number):
    (length,) = struct.unpack_from("<Q", data, begin)
    begin += _HEADER + length + _FOOTER
  return begin + _HEADER


def flip(path, number, offset=100):
  """Flips a bit of a record."""
  path = pathlib.Path(path)
  data = bytearray(path.read_bytes())
  data[place(path, number) + offset] ^= 1
  path.write_bytes(data)


def truncate(path, number, offset=100):
  """Ends a shard inside a record, or before it with the offset of minus the header's 12 bytes."""
  path = pathlib.Path(path)
  path.write_bytes(path.read_bytes()[: place(path, number) + offset])


def _changed(**changes):
  return lambda value: schema.to_example(dataclasses.replace(value, **changes), "raw")


def _example(value, **features):
  """Returns a record with features in place of its own; None leaves one out."""
  example = tf.train.Example.FromString(schema.to_example(value, "raw"))
  for name, values in features.items():
    name = name.replace("clean_", "clean/")
    del example.features.feature[name]
    if values is None:
      continue
    if isinstance(values[0], int):
      example.features.feature[name].int64_list.value.extend(values)
    else:
      example.features.feature[name].bytes_list.value.extend(values)
  return example.SerializeToString()


def _halved(value):
  return _example(value, compressed=[stream[: len(stream) // 2] for stream in value.compressed])


def _of_another_size(value):
  small = np.ascontiguousarray(value.clean[:, :-8])
  streams = [codec.encode(small, quality) for quality in value.qualities]
  return _example(value, compressed=streams)


def _smaller(value):
  small = np.ascontiguousarray(value.clean[:16])
  streams = tuple(codec.encode(small, quality) for quality in value.qualities)
  return _changed(clean=small, compressed=streams)(value)


# Each with a function of a triple that makes its bad record, and what the reason says.
KINDS = {
  "no example": (lambda value: b"\xff\xff not an example", "Could not parse example input"),
  "another schema": (
    lambda value: tf.train.Example(
      features=tf.train.Features(
        feature={"image": tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"x"]))}
      )
    ).SerializeToString(),
    "required but could not be found",
  ),
  "no pixels": (lambda value: _example(value, clean_value=None), "clean/value .* required"),
  "pixels of another shape": (
    lambda value: _example(value, clean_shape=[8, 8, 3]),
    "reshape is a tensor with 9216 values, but the requested shape has 192",
  ),
  "two colours": (lambda value: _example(value, clean_shape=[48, 96, 2]), r"\[48,96,2\]"),
  "a number as text": (lambda value: _example(value, key=[3]), "key.*Data types don't match"),
  "no streams": (lambda value: _example(value, compressed=None), "one stream per quality"),
  "one stream too few": (
    lambda value: _example(value, compressed=list(value.compressed[1:])),
    "one stream per quality",
  ),
  "quality 0": (lambda value: _example(value, qualities=[10, 0]), r"must be in \[1, 100\]"),
  "quality 101": (lambda value: _example(value, qualities=[101, 30]), r"must be in \[1, 100\]"),
  "no JPEG": (lambda value: _example(value, compressed=[b"no JPEG"] * 2), "image|JPEG"),
  "half a JPEG": (_halved, "Invalid JPEG data"),
  "a JPEG of another size": (_of_another_size, "another size than its tile"),
  "a small tile": (_smaller, "crop_size is larger than this tile, 24"),
}


def spoil(path, number, kind):
  """Replaces a record of a shard by one that is bad in one of the ways of `KINDS`."""
  records = read(path)
  records[number] = KINDS[kind][0](schema.from_example(records[number], "raw"))
  write(path, records)
