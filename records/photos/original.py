"""Decodes an image file into its stored samples and everything that restoring must keep.

`reading` makes 8-bit RGB of every image. Here gray stays gray, 16 bits stay 16 and alpha is kept.
Pixels are not turned, so that they stay on the grid of their JPEG. What is lost is noted.
"""

from collections.abc import Callable
import dataclasses
import io

import numpy as np
from PIL import JpegImagePlugin

from deblock.records.jpeg import header as jpeg_header
from deblock.records.photos import metadata as metadata_lib
from deblock.records.photos import reading

NO_END = "its end marker is missing"  # A note.
# By orientation, as views of an array: copies of large images take much memory.
_TURNS: dict[int, Callable[[np.ndarray], np.ndarray]] = {
  2: lambda samples: samples[:, ::-1],
  3: lambda samples: samples[::-1, ::-1],
  4: lambda samples: samples[::-1],
  5: lambda samples: samples.swapaxes(0, 1),
  6: lambda samples: np.rot90(samples, -1),
  7: lambda samples: np.rot90(samples, 2).swapaxes(0, 1),
  8: lambda samples: np.rot90(samples),
}


@dataclasses.dataclass(frozen=True)
class Original:
  """One image to restore.

  Attributes:
    samples: uint8 [H, W, 3] RGB, uint8 [H, W] gray or uint16 [H, W] gray, in the order of the file,
      so that a JPEG's grid begins at the first pixel.
    alpha: uint8 [H, W], or None.
    orientation: EXIF orientation, 1 to 8; 1 means upright.
    format: Pillow's name of the file's format, such as "JPEG".
    header: of a JPEG, else None.
    metadata: of the file.
    notes: what could not be kept, a clause each.
    data: the bytes of a JPEG file, with an end marker, for further analysis; b"" for other formats.
  """

  samples: np.ndarray
  alpha: np.ndarray | None
  orientation: int
  format: str
  header: jpeg_header.JpegHeader | None
  metadata: metadata_lib.Metadata
  notes: tuple[str, ...]
  data: bytes = b""


def decode(data: bytes, name: str, max_pixels: int = reading.MAX_PIXELS) -> Original:
  """Returns an image from the bytes of its file.

  Palettes and CMYK become RGB; CMYK goes through its profile to sRGB, if the profile is usable.
  Bilevel images become gray. 16-bit colour becomes 8-bit colour, as Pillow decodes no other.

  Args:
    data: bytes of the file.
    name: used in error messages, usually the path.
    max_pixels: larger images are refused before they are decoded.
  Raises:
    ImageError: as `reading.decode_picture`. Truncated JPEGs count as damaged.
  """
  notes: list[str] = []
  ended = reading.with_end(data)
  if ended is not data:
    notes.append(NO_END)
  with reading.opened(data, name, max_pixels) as picture:
    header = None
    if isinstance(picture, JpegImagePlugin.JpegImageFile):
      header = jpeg_header.header(picture)
    if picture.mode in ("RGB", "RGBA") and ";16" in str(getattr(picture, "tile", "")):
      notes.append("16-bit colour became 8-bit")
    # Loading turns the pixels of TIFF files, and removes their orientation.
    picture.load()
    reading.check_tags(name, picture)
    metadata, orientation = metadata_lib.read(picture, ended, notes)
    samples, alpha = _samples(name, picture, notes)
    if picture.mode in ("CMYK", "LAB", "HSV", "YCbCr"):
      # Of the colours that the samples were.
      metadata = dataclasses.replace(metadata, icc=b"")
    return Original(
      samples,
      alpha,
      orientation,
      reading.format_name(picture),
      header,
      metadata,
      tuple(notes),
      ended if header is not None else b"",
    )


def upright(samples: np.ndarray, orientation: int) -> np.ndarray:
  """Returns samples, [H, W] or [H, W, 3], as a viewer shows them; a view where possible."""
  return _TURNS[orientation](samples) if orientation in _TURNS else samples


def _samples(name, picture, notes):
  """Returns the samples, and alpha or None."""
  if picture.mode.startswith("I"):
    return _deep(name, picture), None
  if picture.mode == "F":
    raise reading.ImageError(name, "has floating-point samples, whose range is not known")
  if picture.has_transparency_data:
    gray = picture.mode in ("L", "LA", "La")
    mode = "LA" if gray else "RGBA"
    picture = picture if picture.mode == mode else picture.convert(mode)
    bands = np.asarray(picture)
    return np.ascontiguousarray(bands[..., 0] if gray else bands[..., :3]), bands[..., -1].copy()
  if picture.mode in ("1", "L"):
    return np.asarray(picture if picture.mode == "L" else picture.convert("L")), None
  if picture.mode == "CMYK":
    return np.asarray(_rgb_of_cmyk(picture, notes)), None
  return np.asarray(picture if picture.mode == "RGB" else picture.convert("RGB")), None


def _deep(name, picture):
  samples = np.asarray(picture).astype(np.int64)
  if samples.min() < 0 or samples.max() > 65535:
    raise reading.ImageError(name, "has samples beyond 16 bits")
  return samples.astype(np.uint16)


def _rgb_of_cmyk(picture, notes):
  profile = picture.info.get("icc_profile")
  if profile:
    # Only here: most images are not CMYK.
    from PIL import ImageCms

    try:
      converted = ImageCms.profileToProfile(
        picture,
        ImageCms.ImageCmsProfile(io.BytesIO(profile)),
        ImageCms.createProfile("sRGB"),
        outputMode="RGB",
      )
      if converted is not None:
        notes.append("CMYK became sRGB by its profile")
        return converted
    except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
      # Converted without the profile, below.
      pass
  notes.append("CMYK became RGB, without a profile")
  return picture.convert("RGB")
