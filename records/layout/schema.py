"""The format of a record: one table, from which encoder, parser and TFDS features follow."""

import math
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from deblock.records.jpeg import codec
from deblock.records.layout import graph_codec, triple

# Increased whenever readers of the old format would misread the new one.
VERSION = 2


class Feature(NamedTuple):
  """One row of the table.

  Attributes:
    name: in the tf.train.Example.
    dtype: of its values, tf.string or tf.int64.
    length: number of its values; 0 if a record holds one per quality.
    encoding: the clean encoding that has this feature; "" for both.
  """

  name: str
  dtype: tf.DType
  length: int
  encoding: str = ""


# TFDS stores a tensor of any size as bytes under /value and /shape.
FEATURES = (
  Feature("key", tf.string, 1),
  Feature("clean", tf.string, 1, "png"),
  Feature("clean/value", tf.string, 1, "raw"),
  Feature("clean/shape", tf.int64, 3, "raw"),
  Feature("compressed", tf.string, 0),
  Feature("qualities", tf.int64, 0),
)


class Element(NamedTuple):
  """One parsed record. Its JPEGs stay streams, so that only the chosen one is decoded.

  Attributes:
    key: string scalar, "image-id/row/column".
    clean: uint8 [H, W, 3].
    compressed: string [N], JPEG streams (`graph_codec.decode`).
    qualities: int64 [N], in the order of `compressed`.
  """

  key: tf.Tensor
  clean: tf.Tensor
  compressed: tf.Tensor
  qualities: tf.Tensor


def to_example(value: triple.PatchTriple, clean_encoding: str) -> bytes:
  """Returns a triple as a serialised tf.train.Example. Equal triples have equal bytes.

  Args:
    value: what to store.
    clean_encoding: "raw" for the bytes of its pixels, "png" for a PNG stream.
  """
  values = {
    "key": [value.key.encode("utf-8", "surrogateescape")],
    "compressed": value.compressed,
    "qualities": value.qualities,
  }
  if triple.check_clean_encoding(clean_encoding) == "png":
    values["clean"] = [codec.encode_png(value.clean)]
  else:
    values["clean/value"] = [value.clean.tobytes()]
    values["clean/shape"] = value.clean.shape
  features = {}
  for feature in _features(clean_encoding):
    if feature.dtype == tf.int64:
      encoded = tf.train.Feature(int64_list=tf.train.Int64List(value=values[feature.name]))
    else:
      encoded = tf.train.Feature(bytes_list=tf.train.BytesList(value=values[feature.name]))
    features[feature.name] = encoded
  example = tf.train.Example(features=tf.train.Features(feature=features))
  return example.SerializeToString(deterministic=True)


def parse(serialized: tf.Tensor, clean_encoding: str) -> Element:
  """Returns the features of one record, for `Dataset.map`.

  Args:
    serialized: string scalar, from `to_example`.
    clean_encoding: of the records, as their manifest says.
  Raises:
    InvalidArgumentError: in the graph, if it is not such an example, has no stream, has not one
      quality per stream, or has a quality outside [1, 100].
  """
  spec: dict[str, object] = {}
  for feature in _features(triple.check_clean_encoding(clean_encoding)):
    if feature.length:
      shape = [feature.length] if feature.length > 1 else []
      spec[feature.name] = tf.io.FixedLenFeature(shape, feature.dtype)
    else:
      spec[feature.name] = tf.io.FixedLenSequenceFeature([], feature.dtype, allow_missing=True)
  parsed = tf.io.parse_single_example(serialized, spec)
  if clean_encoding == "png":
    clean = graph_codec.decode_png(parsed["clean"])
  else:
    samples = tf.io.decode_raw(parsed["clean/value"], tf.uint8)
    shape = parsed["clean/shape"]
    # To reshape, -1 would be any size.
    check = tf.debugging.assert_positive(shape, message="the shape of a tile must be positive")
    with tf.control_dependencies([check] if check is not None else []):
      clean = tf.ensure_shape(tf.reshape(samples, shape), (None, None, 3))
  streams = tf.size(parsed["compressed"])
  # A missing list is parsed as an empty one, so lengths are checked here.
  with tf.control_dependencies(
    [
      tf.debugging.assert_equal(
        streams, tf.size(parsed["qualities"]), message="a record needs one stream per quality"
      ),
      tf.debugging.assert_positive(streams, message="a record needs a compressed stream"),
      tf.debugging.assert_equal(
        parsed["qualities"],
        tf.clip_by_value(parsed["qualities"], 1, 100),
        message="qualities of a record must be in [1, 100]",
      ),
    ]
  ):
    compressed = tf.identity(parsed["compressed"])
  return Element(parsed["key"], clean, compressed, parsed["qualities"])


def from_example(serialized: bytes, clean_encoding: str) -> triple.PatchTriple:
  """Returns the triple of a serialised example, on the host, without TensorFlow's graph.

  Raises:
    ValueError: if it is not such an example.
  """
  try:
    features = tf.train.Example.FromString(serialized).features.feature
  except Exception as error:  # Each protobuf runtime raises errors of its own.
    raise ValueError(f"{len(serialized)} bytes are not a tf.train.Example: {error}.") from error
  values: dict[str, Any] = {}
  for feature in _features(triple.check_clean_encoding(clean_encoding)):
    if feature.name not in features:
      raise ValueError(f"an example without {feature.name!r} is not a record of deblock.")
    found = features[feature.name]
    kind = found.int64_list if feature.dtype == tf.int64 else found.bytes_list
    if not kind.value or (feature.length and len(kind.value) != feature.length):
      raise ValueError(f"{feature.name!r} has {len(kind.value)} values of type {feature.dtype}.")
    values[feature.name] = kind.value[0] if feature.length == 1 else tuple(kind.value)
  if clean_encoding == "png":
    clean = codec.decode_png(values["clean"])
  else:
    samples, shape = np.frombuffer(values["clean/value"], np.uint8), values["clean/shape"]
    if min(shape) < 1 or math.prod(shape) != len(samples):
      raise ValueError(f"clean/shape must be the shape of {len(samples)} samples, got {shape}.")
    clean = samples.reshape(shape)
  return triple.PatchTriple(
    clean=clean,
    compressed=values["compressed"],
    qualities=values["qualities"],
    key=values["key"].decode("utf-8", "surrogateescape"),
  )


def tfds_features(clean_encoding: str):
  """Returns the `tfds.features.FeaturesDict` that reads these records, with `clean` as pixels.

  `compressed` stays streams: TFDS would decode images by TensorFlow's default, whose pixels differ
  from those of `codec`.
  """
  # Imported here because training imports this module and does not need TFDS.
  import tensorflow_datasets as tfds

  shape = (None, None, 3)
  clean = (
    tfds.features.Image(shape=shape, dtype=tf.uint8, encoding_format="png")
    if triple.check_clean_encoding(clean_encoding) == "png"
    else tfds.features.Tensor(shape=shape, dtype=tf.uint8, encoding=tfds.features.Encoding.BYTES)
  )
  return tfds.features.FeaturesDict(
    {
      "key": tfds.features.Text(),
      "clean": clean,
      "compressed": tfds.features.Sequence(tfds.features.Tensor(shape=(), dtype=tf.string)),
      "qualities": tfds.features.Sequence(tfds.features.Scalar(tf.int64)),
    }
  )


def _features(clean_encoding):
  return tuple(feature for feature in FEATURES if feature.encoding in ("", clean_encoding))
