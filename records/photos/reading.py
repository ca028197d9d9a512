"""Reads image files of any origin into RGB pixels, or says why it cannot."""

from collections.abc import Iterator
import contextlib
import hashlib
import io
from typing import NamedTuple
import warnings

import numpy as np
from PIL import Image, ImageOps

from deblock.records import harmless, paths, regular_file
from deblock.records.jpeg import scans as jpeg_scans
from deblock.records.photos import tag_directory

# More than any camera of today takes (102 megapixels); 400 MB once decoded.
MAX_PIXELS = 2**27
# Of a file: such an image without compression, in 16 bits and with transparency, and its metadata.
MAX_BYTES = 9 * MAX_PIXELS

# Formats that Pillow decodes itself (MPO counts as JPEG). EPS would run another program on an
# untrusted file.
_FORMATS = (
  "PNG",
  "JPEG",
  "WEBP",
  "TIFF",
  "BMP",
  "PPM",
  "GIF",
  "JPEG2000",
  "AVIF",
  "TGA",
)

_JPEG, _END = b"\xff\xd8\xff", b"\xff\xd9"
_APP1, _EXIF = 0xE1, b"Exif\0\0"
_HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_JPEG_XL = (b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n")
# Bits of several kinds, to stand in for missing ones.
_TAILS = (b"", bytes(64), b"\xaa\x36\x5c" * 20, b"\xfe\x93\x01" * 20)


class ImageError(ValueError):
  """An image cannot be used. The message is "PATH: REASON".

  Attributes:
    path: the file.
    reason: a clause without the path.
  """

  def __init__(self, path: str, reason: str):
    """Takes the attributes."""
    super().__init__(f"{harmless.utf8(path)}: {reason}")
    self.path = path
    self.reason = reason

  def __reduce__(self):
    """Pickles the error, so that it can cross processes."""
    return type(self), (self.path, self.reason)


class FileTooLargeError(ImageError):
  """A file is larger than it may be, and was not read."""


class Picture(NamedTuple):
  """The pixels of an image and the format they were stored in.

  Attributes:
    pixels: uint8 [H, W, 3], RGB.
    format: Pillow's name of the file's format, such as "PNG" or "JPEG". A phone's JPEG with a
      preview behind it (MPO) counts as "JPEG". Empty if the pixels came without a file.
  """

  pixels: np.ndarray
  format: str


def read_picture(path: str, max_pixels: int = MAX_PIXELS) -> Picture:
  """Returns an image file as `decode_picture` decodes it.

  Args:
    path: local, or remote as in `read_bytes`.
    max_pixels: larger images are refused before they are decoded.
  Raises:
    ImageError: if the file is missing or cannot be read, or as `decode_picture`.
  """
  return decode_picture(read_bytes(path), path, max_pixels)


def read_bytes(path: str, most_bytes: int = MAX_BYTES) -> bytes:
  """Returns the bytes of a file.

  Args:
    path: local, or one that `etils.epath` reads: gs://, s3://, az:// and hf://.
    most_bytes: larger files are refused before they are read.
  Raises:
    FileTooLargeError: an ImageError, if the file is larger.
    ImageError: if the file is missing, is not a regular file or cannot be read, or if a package is
      missing that reads such paths.
  """
  if paths.is_remote(path):
    return _read_remote(path, most_bytes)
  try:
    return regular_file.read(path, most_bytes)
  except regular_file.TooLargeError as error:
    raise FileTooLargeError(path, too_large(error.size_bytes, most_bytes)) from error
  except (OSError, ValueError) as error:
    reason = getattr(error, "strerror", None) or str(error)
    raise ImageError(path, f"cannot be read: {reason}") from error


def too_large(size_bytes: int, most_bytes: int) -> str:
  """Returns why a file was not read, as a clause."""
  return f"is too large: {size_bytes} bytes, more than {most_bytes}"


def _read_remote(path, most_bytes):
  # Imported here because local files need neither the package nor what it imports.
  from etils import epath

  try:
    file = epath.Path(path)
  except KeyError as error:
    scheme = path.partition("://")[0]
    raise ImageError(path, f"cannot be read: no file system is known for {scheme}://") from error
  try:
    size_bytes = file.stat().length
    if size_bytes > most_bytes:
      raise FileTooLargeError(path, too_large(size_bytes, most_bytes))
    return file.read_bytes()
  except ImageError:
    raise
  except Exception as error:
    # Each file system raises kinds of its own; ImportError names the package that is missing.
    reason = getattr(error, "message", None) or str(error) or type(error).__name__
    raise ImageError(path, f"cannot be read: {reason}") from error


def read_rgb(path: str, max_pixels: int = MAX_PIXELS) -> np.ndarray:
  """Returns the pixels of `read_picture`, uint8 [H, W, 3], and raises the same errors."""
  return read_picture(path, max_pixels).pixels


def decode_picture(data: bytes, name: str, max_pixels: int = MAX_PIXELS) -> Picture:
  """Returns an image from the bytes of its file, as 8-bit RGB, the way a viewer shows it.

  - EXIF orientation is applied.
  - Transparent images are laid on white, as most viewers do.
  - Gray, palette and CMYK become RGB. 16-bit samples keep their high byte.
  - Colour profiles are ignored: the samples are the signal.
  - Files of several frames or pages are refused. The preview behind a phone's JPEG (MPO) is
    ignored.
  - The format is taken from the content, not from the name.

  Args:
    data: bytes of the file.
    name: used in error messages, usually the path.
    max_pixels: larger images are refused before they are decoded.
  Raises:
    ImageError: if the data are empty, damaged, no image, too large or of several frames.
  """
  with opened(data, name, max_pixels) as picture:
    picture.load()
    check_tags(name, picture)
    pixels = _to_rgb(name, ImageOps.exif_transpose(picture))
    return Picture(pixels, format_name(picture))


@contextlib.contextmanager
def opened(data: bytes, name: str, max_pixels: int = MAX_PIXELS) -> Iterator[Image.Image]:
  """Opens an image from the bytes of its file, without decoding its pixels.

  A JPEG without an end marker is read as if it had one, if all of its image is there. Arguments and
  errors are those of `decode_picture`. An error of the body becomes an ImageError.
  """
  if not data:
    raise ImageError(name, "cannot be read as an image: the file is empty")
  ended = with_end(data)
  if reason := _overlong(ended):
    raise ImageError(name, reason)
  try:
    with warnings.catch_warnings():
      # `max_pixels` replaces Pillow's warning. Its error, at twice that size, stays.
      warnings.simplefilter("ignore", Image.DecompressionBombWarning)
      # Nor does it matter here whether metadata is odd.
      warnings.simplefilter("ignore", UserWarning)
      with Image.open(io.BytesIO(ended), formats=_FORMATS) as picture:
        _check(name, picture, max_pixels, ended)
        if ended is not data and not _is_complete(ended):
          raise ImageError(name, "cannot be read as an image: the file is truncated")
        yield picture
  except ImageError:
    raise
  except Image.UnidentifiedImageError as error:
    reason = _unsupported(data) or "cannot be read as an image: it has no known image format"
    raise ImageError(name, reason) from error
  except Exception as error:
    # Damaged files make Pillow's decoders raise a dozen kinds of errors, struct.error to KeyError.
    detail = str(error) or type(error).__name__
    raise ImageError(name, f"cannot be read as an image: {detail}") from error


def _overlong(data):
  """Returns why it would take long to look at a file's header, as a clause; "" if it would not."""
  if not data.startswith(_JPEG):
    return tag_directory.problem(data)
  if jpeg_scans.has_too_many_segments(data):
    return jpeg_scans.problem(data)
  return tag_directory.problem(b"".join(jpeg_scans.contents(data, _APP1, _EXIF)))


def check_tags(name: str, picture: Image.Image) -> None:
  """Raises ImageError if reading the EXIF of a loaded image would take much memory."""
  if reason := tag_directory.problem_of(picture):
    raise ImageError(name, reason)


def with_end(data: bytes) -> bytes:
  """Returns the bytes of a file; those of a JPEG without an end marker with one, without padding.

  Whether the image is complete is another question, which `opened` answers.
  """
  if not data.startswith(_JPEG) or jpeg_scans.end(data) > 0:
    return data
  ended = data.rstrip(b"\0")
  # After 0xFF, zero belongs to the image.
  return ended + (b"\0" if ended.endswith(b"\xff") and len(ended) < len(data) else b"") + _END


def _is_complete(ended):
  """Returns whether a JPEG that was given an end has all of its image.

  In place of missing bits the decoder would take any others: if those change the image, it is not
  complete.
  """
  if not jpeg_scans.has_all_scans(ended):
    return False
  digests = set()
  for tail in _TAILS:
    with Image.open(io.BytesIO(ended[: -len(_END)] + tail + _END), formats=("JPEG",)) as picture:
      digests.add(hashlib.sha256(picture.tobytes()).digest())
  return len(digests) == 1


def _unsupported(data):
  """Returns which known kind of file this is that cannot be read, as a clause; "" if none."""
  if data.startswith(_JPEG):
    return jpeg_scans.unsupported(data)
  if data[4:8] == b"ftyp" and data[8:12] in _HEIC:
    return "is a HEIC file, which is not supported: convert it to PNG first"
  if data.startswith(_JPEG_XL):
    return "is a JPEG XL file, which is not supported: djxl gives back the JPEG that it was made of"
  return ""


def format_name(picture: Image.Image) -> str:
  """Returns the `Picture.format` of an image from `opened`."""
  return "JPEG" if picture.format == "MPO" else str(picture.format)


def _check(path, picture, max_pixels, data):
  width, height = picture.size
  if width * height > max_pixels:
    raise ImageError(path, f"is too large: {width}x{height} pixels, more than {max_pixels} in all")
  # Counting the pages of a TIFF file takes time that grows with their square.
  if picture.format != "MPO" and getattr(picture, "is_animated", False):
    raise ImageError(path, "is not a single photograph: it has several frames or pages")
  if format_name(picture) == "JPEG" and (problem := jpeg_scans.problem(data)):
    raise ImageError(path, problem)


def _to_rgb(path, picture):
  if picture.mode.startswith("I"):
    samples = np.asarray(picture).astype(np.int64)
    if samples.min() < 0 or samples.max() > 65535:
      raise ImageError(path, "has samples beyond 16 bits")
    # The high byte, as Pillow does with 16-bit RGB.
    gray = (samples >> 8).astype(np.uint8)
    return np.repeat(gray[..., np.newaxis], 3, axis=2)
  if picture.mode == "F":
    raise ImageError(path, "has floating-point samples, whose range is not known")
  if picture.has_transparency_data:
    picture = picture.convert("RGBA")
    white = Image.new("RGBA", picture.size, "white")
    picture = Image.alpha_composite(white, picture)
  return np.array(picture.convert("RGB"))
