"""Makes the JPEG that a network sees: chosen from the stored ones, or compressed online."""

import tensorflow as tf

from deblock.pipeline import config, jpegsim
from deblock.records.jpeg import tables as jpeg_tables
from deblock.records.layout import graph_codec


def tables_of(quality):
  """Returns the IJG tables of qualities, float32 [..., 2, 8, 8] for int32 [...] in [1, 100]."""
  return tf.gather(tf.constant(jpeg_tables.all_quantization_tables()), quality)


def choose_stored(compressed, qualities, wanted, seed):
  """Returns one of the JPEG streams stored with a tile, all equally likely.

  Args:
    compressed: string [N], JPEG streams of one tile.
    qualities: int64 [N], their quality factors.
    wanted: qualities to choose from; an empty tuple allows all.
    seed: int64 [2].
  Returns:
    The stream, a string scalar, and its quality, an int32 scalar.
  Raises:
    InvalidArgumentError: if no stored quality is wanted.
  """
  if wanted:
    allowed = tf.reduce_any(qualities[:, tf.newaxis] == tf.constant(wanted, tf.int64), axis=1)
    check = tf.debugging.assert_equal(
      tf.reduce_any(allowed), True, message=f"no tile stores any of the qualities {wanted}"
    )
    with tf.control_dependencies([check] if check is not None else []):
      compressed = tf.boolean_mask(compressed, allowed)
      qualities = tf.boolean_mask(qualities, allowed)
  index = tf.random.stateless_uniform((), seed, minval=0, maxval=tf.size(qualities), dtype=tf.int32)
  return compressed[index], tf.cast(qualities[index], tf.int32)


def decode_stored(stream, clean):
  """Returns the pixels of a stored JPEG, uint8 [H, W, 3].

  Args:
    stream: string scalar.
    clean: uint8 [H, W, 3], the tile that was compressed.
  Raises:
    InvalidArgumentError: in the graph, if the stream cannot be decoded or has another size, by its
      header.
  """
  return graph_codec.decode_sized(stream, tf.shape(clean)[:2])


def compress(crops, qualities, tables, jpeg):
  """Returns the decoded JPEGs of crops, each at its own quality, with 4:2:0 chroma.

  Both implementations give the pixels of `codec.encode` and `codec.decode`, bit for bit.

  Args:
    crops: uint8 [N, P, P, 3], where N must be known statically for libjpeg; or N tensors.
    qualities: int32 [N], in [1, 100].
    tables: float32 [N, 2, 8, 8], the steps of those qualities.
    jpeg: "libjpeg", the faster one on CPU, or "jpegsim", tensor operations compiled by XLA.
  Returns:
    uint8 [N, P, P, 3] from jpegsim; N tensors from libjpeg, which saves a copy.
  Raises:
    ValueError: if `jpeg` is neither.
    InvalidArgumentError: from libjpeg, if a quality is out of range.
  """
  if config.check_jpeg(jpeg) == "jpegsim":
    return _simulated(tf.stack(crops), tables, "420")
  # One chain of operations for each crop: a loop inside the graph is slower.
  apart = tf.unstack(crops) if tf.is_tensor(crops) else crops
  streams = graph_codec.encode_each(apart, qualities)
  return [
    tf.ensure_shape(graph_codec.decode(stream), crop.shape)
    for stream, crop in zip(streams, apart, strict=True)
  ]


def compress_one(crop, quality, jpeg, subsampling="420"):
  """Returns the decoded JPEG of a crop at an IJG quality.

  4:2:2 is always made by jpegsim, since TensorFlow's encoder lacks it; the pixels are the same.

  Args:
    crop: uint8 [P, P, 3].
    quality: int32 scalar, in [1, 100].
    jpeg: as in `compress`.
    subsampling: "420", "422" or "444", of the chroma.
  Returns:
    uint8 [P, P, 3].
  """
  if jpeg == "jpegsim" or subsampling == "422":
    return simulate_one(crop, tables_of(quality), subsampling)
  encode = _encode_444 if subsampling == "444" else graph_codec.encode
  return tf.ensure_shape(graph_codec.decode(encode(crop, quality)), crop.shape)


def simulate_one(crop, tables, subsampling):
  """Returns the decoded JPEG of a crop with any tables, made by jpegsim.

  TensorFlow's encoder takes no tables.

  Args:
    crop: uint8 [P, P, 3].
    tables: float32 [2, 8, 8], integers in [1, 255].
    subsampling: "420", "422" or "444", of the chroma.
  Returns:
    uint8 [P, P, 3].
  """
  return _simulated(crop[tf.newaxis], tables[tf.newaxis], subsampling)[0]


# Not inlined: a hundred encoders for each crop would take seconds to start.
@tf.function(autograph=False, experimental_attributes={"_noinline": True})
def _encode_444(crop, quality):
  """Returns a 4:4:4 stream, by one encoder per quality.

  TensorFlow's encoder takes a tensor as quality only with 4:2:0. For one crop this takes half the
  time of jpegsim.
  """
  # A number without a branch of its own would take the last one, quality 100.
  return tf.switch_case(
    graph_codec.checked_quality(quality) - 1,
    [lambda fixed=fixed: graph_codec.encode(crop, fixed, "444") for fixed in range(1, 101)],
  )


@tf.function(jit_compile=True)
def _simulated(crops, tables, subsampling):
  return jpegsim.compress(crops, tables, subsampling)
