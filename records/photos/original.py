"""An image file as somebody's photograph: samples as they were stored, and all that belongs to it.

Where `images` makes uniform material of everything, this keeps gray gray, 16 bits 16 and alpha
alpha, leaves the pixels unturned, on the grid of their JPEG, and says what it could not keep.
"""

from collections.abc import Callable
import dataclasses
import io
import math

import numpy as np
from PIL import ExifTags, Image, ImageCms, ImageOps, JpegImagePlugin

from deblock.records.jpeg import header as jpeg_header
from deblock.records.photos import reading

_EXIF_MARK = b"Exif\0\0"
_BASE = ExifTags.Base
# Tags of a TIFF file's own layout, which are wrong in any other file, and those that `Metadata`
# carries by itself.
_LAYOUT_TAGS = frozenset(
  {
    *range(254, 260),
    *(262, 263, 264, 265, 266, 273, 277, 278, 279, 280, 281, 284, 290, 291, 292, 293, 297, 301),
    *(317, 318, 319, 320, 321, 322, 323, 324, 325, 330, 338, 339, 340, 341, 347),
    *range(512, 522),
    *(529, 530, 531, 532),
    *(_BASE.XResolution, _BASE.YResolution, _BASE.ResolutionUnit),
    *(700, 34675),
  }
)
# By orientation, as views of an array: copies of large images would take much memory.
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
class Metadata:
  """What a file says of its pixels; empty where it says nothing.

  Attributes:
    exif: an EXIF block as JPEG files hold it, without an orientation.
    icc: a colour profile.
    xmp: an XMP packet, without an orientation.
    dpi: pixels per inch, across and down, of what a viewer shows.
  """

  exif: bytes = b""
  icc: bytes = b""
  xmp: bytes = b""
  dpi: tuple[float, float] | None = None


@dataclasses.dataclass(frozen=True)
class Original:
  """What is to be restored.

  Attributes:
    samples: uint8 [H, W, 3] RGB, uint8 [H, W] gray or uint16 [H, W] gray, in the order of the file,
      so that a JPEG's grid begins at the first pixel.
    alpha: uint8 [H, W], or None.
    orientation: how a viewer turns the pixels before it shows them, as EXIF numbers it; 1 for not
      at all.
    format: Pillow's name of the file's format, such as "JPEG".
    header: of a JPEG, else None.
    metadata: what goes with the pixels.
    notes: what could not be kept as it was, a clause each.
    data: what a JPEG's file holds, to look closer; b"" of other files.
  """

  samples: np.ndarray
  alpha: np.ndarray | None
  orientation: int
  format: str
  header: jpeg_header.JpegHeader | None
  metadata: Metadata
  notes: tuple[str, ...]
  data: bytes = b""


def decode(data: bytes, name: str, max_pixels: int = reading.MAX_PIXELS) -> Original:
  """Returns an image from the bytes of its file.

  Palettes become RGB, CMYK too: by its profile, where it has a usable one, to sRGB. Two-coloured
  images become gray; 16-bit colour, which Pillow does not decode, 8-bit colour.

  Args:
    data: what the file holds.
    name: what an error calls it, its path as a rule.
    max_pixels: larger images are refused before they are decoded.
  Raises:
    ImageError: as `images.decode_picture`; a JPEG that ends early is damaged too.
  """
  with reading.opened(data, name, max_pixels) as picture:
    header = None
    if isinstance(picture, JpegImagePlugin.JpegImageFile):
      header = jpeg_header.header(picture)
    notes = []
    if picture.mode in ("RGB", "RGBA") and ";16" in str(getattr(picture, "tile", "")):
      notes.append("16-bit colour became 8-bit")
    # Of TIFF files decoding turns the pixels, and removes the orientation.
    picture.load()
    metadata, orientation = _metadata(picture, notes)
    samples, alpha = _samples(name, picture, notes)
    if picture.mode in ("CMYK", "LAB", "HSV", "YCbCr"):
      metadata = dataclasses.replace(metadata, icc=b"")
    format_name = reading.format_name(picture)
    return Original(
      samples,
      alpha,
      orientation,
      format_name,
      header,
      metadata,
      tuple(notes),
      data if header is not None else b"",
    )


def upright(samples: np.ndarray, orientation: int) -> np.ndarray:
  """Returns samples, [H, W] or [H, W, 3], as a viewer shows them; a view where that will do."""
  return _TURNS[orientation](samples) if orientation in _TURNS else samples


def descriptive(exif: bytes) -> bytes:
  """Returns an EXIF block without the tags of a TIFF file's own layout; b"" if none is left."""
  tags = Image.Exif()
  tags.load(exif)
  return _descriptive(tags)


def _descriptive(tags):
  kept = Image.Exif()
  for tag, value in tags.items():
    if tag in _LAYOUT_TAGS:
      continue
    kept[tag] = tags.get_ifd(tag) if tag in (0x8769, 0x8825) else value
  return kept.tobytes() if len(kept) else b""


def _metadata(picture, notes):
  """Returns the metadata and the orientation; what is damaged is left out and noted."""
  exif, xmp, orientation = b"", picture.info.get("xmp", b""), 1
  xmp = xmp.encode() if isinstance(xmp, str) else bytes(xmp or b"")
  try:
    tags = picture.getexif()
    orientation = tags.get(_BASE.Orientation, 1)
    orientation = orientation if orientation in _TURNS else 1
    if orientation != 1:
      xmp = _without_orientation(xmp)
    if picture.format == "TIFF":
      exif = _descriptive(tags)
    elif _BASE.Orientation in tags:
      del tags[_BASE.Orientation]
      exif = tags.tobytes() if len(tags) else b""
    elif len(tags):
      # As it is, since makers' notes do not survive being written anew.
      exif = picture.info.get("exif") or tags.tobytes()
  except Exception as error:
    # As with pixels, damage makes Pillow raise a dozen kinds. The pixels are not the worse for it.
    notes.append(f"damaged EXIF left out ({error or type(error).__name__})")
    exif = b""
  if exif and not exif.startswith(_EXIF_MARK):
    exif = _EXIF_MARK + exif
  dpi = _dpi(picture)
  if dpi and orientation >= 5:
    # Across is down once the pixels lie on their side.
    dpi = dpi[::-1]
  return Metadata(exif, picture.info.get("icc_profile") or b"", xmp, dpi), orientation


def _without_orientation(xmp):
  """Returns an XMP packet that no longer asks for a turn, by Pillow's own rule."""
  picture = Image.new("1", (1, 1))
  tags = picture.getexif()
  tags[_BASE.Orientation] = 3
  picture.info.update(exif=tags.tobytes(), xmp=xmp)
  ImageOps.exif_transpose(picture, in_place=True)
  return picture.info["xmp"]


def _dpi(picture):
  try:
    across, down = (float(value) for value in picture.info["dpi"])
  except (KeyError, TypeError, ValueError, ZeroDivisionError):
    return None
  usable = all(math.isfinite(value) and 0 < value < 65536 for value in (across, down))
  return (across, down) if usable else None


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
      # An unusable profile is as good as none.
      pass
  notes.append("CMYK became RGB, without a profile")
  return picture.convert("RGB")
