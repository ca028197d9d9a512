"""The layout of a record: one table, from which encoder, parser and TFDS features derive."""

from typing import Any, NamedTuple

import tensorflow as tf

from deblock.records import codec, triple

# Raised whenever a reader of the former layout would go wrong on the new one.
VERSION = 1


class Feature(NamedTuple):
  """One row of the table.

  Attributes:
    name: in the tf.train.Example.
    dtype: of its values, tf.string or tf.int64.
    repeated: True if a record holds one value per quality, False if it holds one.
    content: what a value is: "text", "png", "jpeg" or "integer".
  """

  name: str
  dtype: tf.DType
  repeated: bool
  content: str


FEATURES = (
  Feature("key", tf.string, False, "text"),
  Feature("clean", tf.string, False, "png"),
  Feature("compressed", tf.string, True, "jpeg"),
  Feature("qualities", tf.int64, True, "integer"),
)


class Element(NamedTuple):
  """One parsed record, still compressed; its fields are the features of the table.

  Attributes:
    key: string scalar, "image-id/row/column".
    clean: string scalar, a PNG stream (`codec.tf_decode_png`).
    compressed: string [N], JPEG streams (`codec.tf_decode`).
    qualities: int64 [N], in the order of `compressed`.
  """

  key: tf.Tensor
  clean: tf.Tensor
  compressed: tf.Tensor
  qualities: tf.Tensor


def to_example(value: triple.PatchTriple) -> bytes:
  """Returns a triple as a serialised tf.train.Example; equal triples give equal bytes."""
  values = {
    "key": [value.key.encode("utf-8", "surrogateescape")],
    "clean": [codec.encode_png(value.clean)],
    "compressed": value.compressed,
    "qualities": value.qualities,
  }
  features = {}
  for feature in FEATURES:
    if feature.dtype == tf.int64:
      encoded = tf.train.Feature(int64_list=tf.train.Int64List(value=values[feature.name]))
    else:
      encoded = tf.train.Feature(bytes_list=tf.train.BytesList(value=values[feature.name]))
    features[feature.name] = encoded
  example = tf.train.Example(features=tf.train.Features(feature=features))
  return example.SerializeToString(deterministic=True)


def parse(serialized: tf.Tensor) -> Element:
  """Returns the features of one record; meant for `Dataset.map`.

  Args:
    serialized: string scalar, as `to_example` makes it.
  Raises:
    InvalidArgumentError: in the graph, if it is no such example, or if it does not hold one
      stream per quality, at least one.
  """
  spec: dict[str, object] = {}
  for feature in FEATURES:
    if feature.repeated:
      spec[feature.name] = tf.io.FixedLenSequenceFeature([], feature.dtype, allow_missing=True)
    else:
      spec[feature.name] = tf.io.FixedLenFeature([], feature.dtype)
  element = Element(**tf.io.parse_single_example(serialized, spec))
  streams = tf.size(element.compressed)
  # A missing list parses as an empty one, so the lengths must be checked here.
  with tf.control_dependencies(
    [
      tf.debugging.assert_equal(
        streams, tf.size(element.qualities), message="a record needs one stream per quality"
      ),
      tf.debugging.assert_positive(streams, message="a record needs a compressed stream"),
    ]
  ):
    return element._replace(compressed=tf.identity(element.compressed))


def from_example(serialized: bytes) -> triple.PatchTriple:
  """Returns the triple of a serialised example, on the host and without TensorFlow's graph.

  Raises:
    ValueError: if it is no such example.
  """
  try:
    features = tf.train.Example.FromString(serialized).features.feature
  except Exception as error:  # The protobuf runtimes raise kinds of their own.
    raise ValueError(f"{len(serialized)} bytes are no tf.train.Example: {error}.") from error
  values: dict[str, Any] = {}
  for feature in FEATURES:
    if feature.name not in features:
      raise ValueError(f"an example without {feature.name!r} is no record of this project.")
    found = features[feature.name]
    kind = found.int64_list if feature.dtype == tf.int64 else found.bytes_list
    if not kind.value or (len(kind.value) != 1 and not feature.repeated):
      raise ValueError(f"{feature.name!r} has {len(kind.value)} values of type {feature.dtype}.")
    values[feature.name] = tuple(kind.value) if feature.repeated else kind.value[0]
  return triple.PatchTriple(
    clean=codec.decode_png(values["clean"]),
    compressed=values["compressed"],
    qualities=values["qualities"],
    key=values["key"].decode("utf-8", "surrogateescape"),
  )


def tfds_features():
  """Returns the `tfds.features.FeaturesDict` that reads these records.

  The streams in `compressed` stay streams: as a TFDS image they would be decoded by TensorFlow's
  default, whose pixels are not those of `codec`.
  """
  # Imported here because training reads this module and has no use for TFDS.
  import tensorflow_datasets as tfds

  contents = {
    "text": tfds.features.Text(),
    "png": tfds.features.Image(shape=(None, None, 3), dtype=tf.uint8, encoding_format="png"),
    "jpeg": tfds.features.Tensor(shape=(), dtype=tf.string),
    "integer": tfds.features.Scalar(tf.int64),
  }
  features = {}
  for feature in FEATURES:
    content = contents[feature.content]
    features[feature.name] = tfds.features.Sequence(content) if feature.repeated else content
  return tfds.features.FeaturesDict(features)
