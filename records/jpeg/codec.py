"""The only calls that encode or decode JPEG and PNG: a Pillow and a TensorFlow twin of each.

Both stand on libjpeg-turbo with the same choices spelled out: the accurate integer DCT, and smooth
("fancy") upsampling of chroma. TensorFlow's own default is the fast DCT, whose pixels differ by
up to three levels; with the accurate one the twins agree to the last bit.
"""

from collections.abc import Sequence
import io

import numpy as np
from PIL import Image
import tensorflow as tf

from deblock.records.jpeg import tables as jpeg_tables

# Pillow's numbers of the chroma subsamplings.
SUBSAMPLINGS = {"444": 0, "422": 1, "420": 2}


def check_subsampling(subsampling: str) -> str:
  """Returns the chroma subsampling after checking it.

  Raises:
    ValueError: if it is none of 444, 422, 420.
  """
  if subsampling not in SUBSAMPLINGS:
    raise ValueError(f"subsampling must be one of {', '.join(SUBSAMPLINGS)}, got {subsampling!r}.")
  return subsampling


def encode(image: np.ndarray, quality: int, subsampling: str = "420") -> bytes:
  """Returns an image as a baseline JPEG stream with the standard tables and no metadata.

  Args:
    image: uint8 [H, W, 3] RGB, or [H, W, 1] gray.
    quality: IJG quality factor in [1, 100].
    subsampling: of the chroma planes; gray images have none.
  Raises:
    ValueError: if an argument breaks these rules.
  """
  picture = _to_pillow(image)
  buffer = io.BytesIO()
  picture.save(
    buffer,
    "JPEG",
    quality=jpeg_tables.check_quality(quality),
    subsampling=SUBSAMPLINGS[check_subsampling(subsampling)],
    optimize=False,
    progressive=False,
  )
  return buffer.getvalue()


def decode(data: bytes) -> np.ndarray:
  """Returns the pixels of a colour or gray JPEG stream, uint8 [H, W, 3].

  Raises:
    ValueError: if the stream is damaged, no JPEG, or CMYK (whose conversion no decoder shares).
  """
  return _from_pillow(data, "JPEG")


def tf_decode(data: tf.Tensor) -> tf.Tensor:
  """Returns the pixels of a JPEG stream, equal to `decode` to the last bit.

  Args:
    data: string scalar.
  Returns:
    uint8 [H, W, 3]; H and W are not known statically.
  Raises:
    InvalidArgumentError: in the graph, if the stream is damaged or no JPEG.
  """
  return tf.io.decode_jpeg(
    data,
    channels=3,
    dct_method="INTEGER_ACCURATE",
    fancy_upscaling=True,
    try_recover_truncated=False,
  )


def tf_encode(image: tf.Tensor, quality: int | tf.Tensor, subsampling: str = "420") -> tf.Tensor:
  """Returns an image as a JPEG stream whose decoded pixels equal those of `encode`.

  The bytes differ in the pixel density of the header alone. TensorFlow's encoder either halves
  chroma both ways or not at all, so there is no 4:2:2 here; and its form that takes the quality as
  a tensor always halves, so that one exists for 4:2:0 only.

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
  if check_subsampling(subsampling) == "422":
    raise ValueError("tf_encode has no subsampling 422: TensorFlow offers 420 and 444 only.")
  if tf.is_tensor(quality):
    if subsampling != "420":
      raise ValueError(f"a quality tensor needs subsampling 420, got {subsampling}.")
    return tf.raw_ops.EncodeJpegVariableQuality(images=image, quality=_checked(quality))
  return tf.io.encode_jpeg(
    image,
    quality=jpeg_tables.check_quality(quality),
    chroma_downsampling=subsampling == "420",
    optimize_size=False,
    progressive=False,
  )


def tf_encode_each(images: Sequence[tf.Tensor], qualities: tf.Tensor) -> list[tf.Tensor]:
  """Returns the streams that `tf_encode` makes of images, each at a quality of its own, 4:2:0.

  Fewer operations than calling that for each: all qualities are checked at once.

  Args:
    images: uint8 [H, W, 3] RGB, or [H, W, 1] gray.
    qualities: integers [N], of as many images.
  Returns:
    N string scalars.
  Raises:
    InvalidArgumentError: in the graph, if a quality is out of range.
  """
  pairs = zip(images, tf.unstack(_checked(qualities)), strict=True)
  return [
    tf.raw_ops.EncodeJpegVariableQuality(images=image, quality=quality) for image, quality in pairs
  ]


def _checked(qualities):
  """Returns qualities of any shape as int32, after the graph has checked them."""
  qualities = tf.cast(qualities, tf.int32)
  check = tf.debugging.assert_equal(
    qualities, tf.clip_by_value(qualities, 1, 100), message="quality must be in [1, 100]"
  )
  with tf.control_dependencies([check] if check is not None else []):
    return tf.identity(qualities)


def to_gray(image: np.ndarray) -> np.ndarray:
  """Returns the luma of an RGB image as JPEG defines it (ITU-T T.871), uint8 [H, W, 1].

  Args:
    image: uint8 [H, W, 3].
  """
  return np.asarray(_to_pillow(image).convert("L"))[..., np.newaxis]


def encode_png(image: np.ndarray) -> bytes:
  """Returns an image, uint8 [H, W, 3] or [H, W, 1], as a PNG stream without loss.

  Raises:
    ValueError: if dtype or shape are others.
  """
  buffer = io.BytesIO()
  # On photographs the zlib level 6 that is Pillow's default takes four times as long for 2 % less.
  _to_pillow(image).save(buffer, "PNG", compress_level=1)
  return buffer.getvalue()


def decode_png(data: bytes) -> np.ndarray:
  """Returns the pixels of a colour or gray PNG stream, uint8 [H, W, 3].

  Raises:
    ValueError: if the stream is damaged, no PNG, or neither RGB nor gray of 8 bits.
  """
  return _from_pillow(data, "PNG")


def tf_decode_png(data: tf.Tensor) -> tf.Tensor:
  """Returns the pixels of a PNG stream (string scalar), uint8 [H, W, 3].

  Raises:
    InvalidArgumentError: in the graph, if the stream is damaged or no PNG.
  """
  return tf.io.decode_png(data, channels=3, dtype=tf.uint8)


def _to_pillow(image):
  if not isinstance(image, np.ndarray) or image.dtype != np.uint8:
    got = getattr(image, "dtype", type(image).__name__)
    raise ValueError(f"image must be a uint8 array, got {got}.")
  if image.ndim != 3 or image.shape[2] not in (1, 3) or 0 in image.shape:
    raise ValueError(f"image must have shape [H, W, 3] or [H, W, 1], got {list(image.shape)}.")
  return Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)


def _from_pillow(data, kind):
  try:
    with Image.open(io.BytesIO(data), formats=(kind,)) as picture:
      mode = picture.mode
      pixels = np.array(picture.convert("RGB"))
  except (OSError, SyntaxError, ValueError) as error:
    raise ValueError(f"{len(data)} bytes cannot be decoded as {kind}: {error}.") from error
  if mode not in ("RGB", "L"):
    raise ValueError(f"a {kind} stream must be RGB or gray with 8 bits, got mode {mode}.")
  return pixels
