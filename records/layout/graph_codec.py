"""Encodes and decodes JPEG and PNG with TensorFlow: the twins of `jpeg.codec`.

TensorFlow's default is the fast DCT, whose pixels differ from the accurate DCT by up to three
levels. With the accurate one both codecs return the same pixels, to the last bit.
"""

from collections.abc import Sequence

import tensorflow as tf

from deblock.records.jpeg import sampling
from deblock.records.jpeg import tables as jpeg_tables

# A baseline JPEG has at most one for each component; records hold one scan for all.
_MOST_SCANS = 4
_MARKER, _SCAN = 0xFF, 0xDA


def decode(data: tf.Tensor) -> tf.Tensor:
  """Returns the pixels of a JPEG stream, equal to `codec.decode` to the last bit.

  Args:
    data: string scalar.
  Returns:
    uint8 [H, W, 3]; H and W are not known statically.
  Raises:
    InvalidArgumentError: in the graph, if the stream is damaged or not a JPEG.
  """
  return tf.io.decode_jpeg(
    data,
    channels=3,
    dct_method="INTEGER_ACCURATE",
    fancy_upscaling=True,
    try_recover_truncated=False,
  )


def decode_sized(data: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
  """Returns the pixels of a stream of a file, as `decode` does, if it has the size that it should.

  Its header is read first. Decoding before that would let 2 MB take 1.5 GB, and a file with
  thousands of scans minutes.

  Args:
    data: string scalar.
    size: int32 [2], the height and width that are expected.
  Returns:
    uint8 [H, W, 3].
  Raises:
    InvalidArgumentError: in the graph, if the stream is damaged, not a JPEG, has another size, or
      more scans than it needs.
  """
  bytes_ = tf.io.decode_raw(data, tf.uint8)
  # Entropy-coded data never hold this pair of bytes; tables may.
  starts = tf.logical_and(bytes_[:-1] == _MARKER, bytes_[1:] == _SCAN)
  checks = [
    tf.debugging.assert_equal(
      tf.image.extract_jpeg_shape(data)[:2],
      size,
      message="a JPEG of a record has another size than its tile",
    ),
    tf.debugging.assert_less_equal(
      tf.math.count_nonzero(starts, dtype=tf.int32),
      _MOST_SCANS,
      message=f"a JPEG of a record has more than {_MOST_SCANS} scans",
    ),
  ]
  with tf.control_dependencies([check for check in checks if check is not None]):
    return decode(tf.identity(data))


def encode(image: tf.Tensor, quality: int | tf.Tensor, subsampling: str = "420") -> tf.Tensor:
  """Returns an image as a JPEG stream whose decoded pixels equal those of `codec.encode`.

  The bytes differ only in the header's pixel density. TensorFlow's encoder has 4:2:0 and 4:4:4.
  With a quality tensor it has 4:2:0 only.

  Args:
    image: uint8 [H, W, 3] RGB, or [H, W, 1] gray.
    quality: a Python integer in [1, 100], or an integer scalar tensor (4:2:0 only).
    subsampling: "420" or "444".
  Returns:
    string scalar.
  Raises:
    ValueError: if an argument breaks these rules.
    InvalidArgumentError: in the graph, if a quality tensor is out of range.
  """
  if sampling.check(subsampling) == "422":
    raise ValueError("TensorFlow encodes subsampling 420 and 444 only, got 422.")
  if tf.is_tensor(quality):
    if subsampling != "420":
      raise ValueError(f"a quality tensor needs subsampling 420, got {subsampling}.")
    return tf.raw_ops.EncodeJpegVariableQuality(images=image, quality=checked_quality(quality))
  return tf.io.encode_jpeg(
    image,
    quality=jpeg_tables.check_quality(quality),
    chroma_downsampling=subsampling == "420",
    optimize_size=False,
    progressive=False,
  )


def encode_each(images: Sequence[tf.Tensor], qualities: tf.Tensor) -> list[tf.Tensor]:
  """Returns the 4:2:0 stream of each image at its own quality, as `encode` does.

  All qualities are checked by one operation.

  Args:
    images: N images, uint8 [H, W, 3] RGB, or [H, W, 1] gray.
    qualities: integers [N].
  Returns:
    N string scalars.
  Raises:
    InvalidArgumentError: in the graph, if a quality is out of range.
  """
  pairs = zip(images, tf.unstack(checked_quality(qualities)), strict=True)
  return [
    tf.raw_ops.EncodeJpegVariableQuality(images=image, quality=quality) for image, quality in pairs
  ]


def decode_png(data: tf.Tensor) -> tf.Tensor:
  """Returns the pixels of a PNG stream (string scalar), uint8 [H, W, 3].

  Raises:
    InvalidArgumentError: in the graph, if the stream is damaged or not a PNG.
  """
  return tf.io.decode_png(data, channels=3, dtype=tf.uint8)


def checked_quality(qualities: tf.Tensor) -> tf.Tensor:
  """Returns qualities, integers of any shape, as int32, after the graph has checked them.

  Raises:
    InvalidArgumentError: in the graph, if a quality is outside [1, 100].
  """
  qualities = tf.cast(qualities, tf.int32)
  check = tf.debugging.assert_equal(
    qualities, tf.clip_by_value(qualities, 1, 100), message="quality must be in [1, 100]"
  )
  with tf.control_dependencies([check] if check is not None else []):
    return tf.identity(qualities)
