"""Metadata of image files: EXIF, colour profile, XMP and resolution, without the orientation."""

import dataclasses
import math

from PIL import ExifTags, Image, ImageOps

# Tags of a TIFF file's main directory that point to other directories: EXIF and GPS.
DIRECTORIES = (0x8769, 0x8825)

_EXIF_MARK = b"Exif\0\0"
_BASE = ExifTags.Base
# Tags that describe the layout of a TIFF file, which are wrong in any other file, and tags whose
# values `Metadata` has in fields of their own.
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
_ORIENTATIONS = range(1, 9)


@dataclasses.dataclass(frozen=True)
class Metadata:
  """The metadata of one image. A field is empty where the file has none.

  Attributes:
    exif: EXIF block as JPEG files hold it, without an orientation.
    icc: ICC colour profile.
    xmp: XMP packet, without an orientation.
    dpi: pixels per inch, horizontal and vertical, of the upright image.
  """

  exif: bytes = b""
  icc: bytes = b""
  xmp: bytes = b""
  dpi: tuple[float, float] | None = None


def read(picture: Image.Image, notes: list[str]) -> tuple[Metadata, int]:
  """Returns the metadata of an image that Pillow has loaded, and its EXIF orientation, 1 to 8.

  Args:
    picture: the image.
    notes: gets a clause about damaged EXIF, which is left out.
  """
  exif, xmp, orientation = b"", picture.info.get("xmp", b""), 1
  xmp = xmp.encode() if isinstance(xmp, str) else bytes(xmp or b"")
  try:
    tags = picture.getexif()
    orientation = tags.get(_BASE.Orientation, 1)
    orientation = orientation if orientation in _ORIENTATIONS else 1
    if orientation != 1:
      xmp = _without_orientation(xmp)
    if picture.format == "TIFF":
      exif = _descriptive(tags)
    elif _BASE.Orientation in tags:
      del tags[_BASE.Orientation]
      exif = tags.tobytes() if len(tags) else b""
    elif len(tags):
      # The original bytes: makers' notes do not survive being written again.
      exif = picture.info.get("exif") or tags.tobytes()
  except Exception as error:
    # Damaged EXIF makes Pillow raise a dozen kinds of errors. The pixels are not affected.
    notes.append(f"damaged EXIF left out ({error or type(error).__name__})")
    exif = b""
  if exif and not exif.startswith(_EXIF_MARK):
    exif = _EXIF_MARK + exif
  dpi = _dpi(picture)
  if dpi and orientation >= 5:
    # These orientations exchange rows and columns.
    dpi = dpi[::-1]
  return Metadata(exif, picture.info.get("icc_profile") or b"", xmp, dpi), orientation


def descriptive(exif: bytes) -> bytes:
  """Returns an EXIF block without the tags of a TIFF file's layout; b"" if no tag remains."""
  tags = Image.Exif()
  tags.load(exif)
  return _descriptive(tags)


def _descriptive(tags):
  kept = Image.Exif()
  for tag, value in tags.items():
    if tag in _LAYOUT_TAGS:
      continue
    kept[tag] = tags.get_ifd(tag) if tag in DIRECTORIES else value
  return kept.tobytes() if len(kept) else b""


def _without_orientation(xmp):
  """Returns an XMP packet without an orientation, removed by Pillow's own code."""
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
