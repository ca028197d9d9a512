"""Metadata of image files: EXIF, colour, XMP, resolution, IPTC, comments and what lies behind."""

import dataclasses
import math
import struct

from PIL import ExifTags, Image

from deblock.records.jpeg import scans as jpeg_scans
from deblock.records.photos import jpeg_segments, png_chunks, tag_directory, tiff_file
from deblock.records.photos import xmp as xmp_lib

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
_NUMBERS = {1: "B", 3: "H", 4: "L"}  # By their type in EXIF: whole numbers without a sign.


@dataclasses.dataclass(frozen=True)
class Metadata:
  """The metadata of one image. A field is empty where the file has none.

  None of it asks a viewer to turn the image.

  Attributes:
    exif: EXIF block as JPEG files hold it.
    icc: ICC colour profile.
    xmp: XMP packet.
    dpi: pixels per inch, horizontal and vertical, of the upright image.
    colour: chunks of a PNG file that say what its numbers mean, (name, content).
    comments: texts for people, (keyword, text); the keyword is "Comment" where the file has none.
    jpeg: what a JPEG file holds besides; its comments are among those above.
  """

  exif: bytes = b""
  icc: bytes = b""
  xmp: bytes = b""
  dpi: tuple[float, float] | None = None
  colour: tuple[tuple[bytes, bytes], ...] = ()
  comments: tuple[tuple[str, str], ...] = ()
  jpeg: jpeg_segments.Extras = jpeg_segments.NO_EXTRAS


def read(picture: Image.Image, data: bytes, notes: list[str]) -> tuple[Metadata, int]:
  """Returns the metadata of an image that Pillow has loaded, and its EXIF orientation, 1 to 8.

  Args:
    picture: the image.
    data: bytes of its file.
    notes: gets a clause about each part that is damaged or cannot be kept.
  """
  exif, orientation = b"", 1
  xmp = picture.info.get("xmp", b"")
  xmp = xmp_lib.upright(xmp.encode() if isinstance(xmp, str) else bytes(xmp or b""))
  try:
    tags = picture.getexif()
    orientation = tags.get(_BASE.Orientation, 1)
    orientation = orientation if orientation in _ORIENTATIONS else 1
    if picture.format == "TIFF":
      exif = _descriptive(tags)
    elif picture.info.get("exif"):
      # The original bytes: makers' notes do not survive being written again.
      exif = with_mark(_upright(picture.info["exif"]))
    elif set(tags) - {_BASE.Orientation}:
      del tags[_BASE.Orientation]
      exif = with_mark(tags.tobytes())
  except Exception as error:
    # Damaged EXIF makes Pillow raise a dozen kinds of errors. The pixels are not affected.
    notes.append(f"damaged EXIF left out ({error or type(error).__name__})")
  dpi = _dpi(picture)
  if dpi and orientation >= 5:
    # These orientations exchange rows and columns.
    dpi = dpi[::-1]
  made = Metadata(exif, picture.info.get("icc_profile") or b"", xmp, dpi)
  if picture.format == "PNG":
    made = dataclasses.replace(made, colour=png_chunks.colour(data), comments=_texts(picture))
  elif picture.format in ("JPEG", "MPO"):
    made = _with_extras(made, jpeg_segments.read(data), orientation, notes)
  elif isinstance(comment := picture.info.get("comment"), bytes):
    made = dataclasses.replace(made, comments=(("Comment", jpeg_segments.text(comment)),))
  return made, orientation


def size_bytes(picture: Image.Image, data: bytes) -> int:
  """Returns how many bytes of a file are metadata, by its header, without what lies behind a JPEG.

  Args:
    picture: what Pillow has opened; its pixels need not be decoded.
    data: bytes of the file.
  """
  if picture.format in ("JPEG", "MPO"):
    end = jpeg_scans.end(data)
    return max(0, (end if end > 0 else len(data)) - jpeg_scans.size_of_bare(data))
  if picture.format == "TIFF":
    return tag_directory.claimed_bytes(data)
  if picture.format == "PNG":
    # Some of its chunks may lie behind the image.
    return sum(len(content) for name, content in png_chunks.chunks(data) if name != b"IDAT")
  return sum(len(value) for value in picture.info.values() if isinstance(value, (bytes, str)))


def behind_the_image(metadata: Metadata) -> str:
  """Returns what a JPEG file holds behind its image, as words; "" if nothing."""
  if not metadata.jpeg.trailer:
    return ""
  if has_gain_map(metadata):
    return "gain map"
  if b"MotionPhoto" in metadata.xmp or b"MicroVideo" in metadata.xmp:
    return "film behind the image"
  return "picture behind the image" if metadata.jpeg.mpf else "data behind the image"


def has_gain_map(metadata: Metadata) -> bool:
  """Returns whether a JPEG file says that it holds a gain map, which makes its image HDR."""
  return bool(metadata.jpeg.gain_map) or b"hdrgm:" in metadata.xmp


def without_trailer(metadata: Metadata) -> Metadata:
  """Returns the metadata without what lies behind a JPEG's image, and without all mention of it."""
  extras = metadata.jpeg._replace(trailer=b"", mpf=b"", gain_map=())
  xmp = xmp_lib.without(metadata.xmp, xmp_lib.BEHIND_THE_IMAGE)
  return dataclasses.replace(metadata, jpeg=extras, xmp=xmp)


def with_mark(exif: bytes) -> bytes:
  """Returns an EXIF block with the mark that JPEG files put before it; b"" of b""."""
  return exif if not exif or exif.startswith(_EXIF_MARK) else _EXIF_MARK + exif


def has_thumbnail(exif: bytes) -> bool:
  """Returns whether an EXIF block has a second directory, which holds a thumbnail."""
  try:
    _, place, order = _entries(exif)
    return struct.unpack_from(f"{order}L", exif, place)[0] > 0
  except (ValueError, struct.error):
    return False


def has_maker_note(exif: bytes) -> bool:
  """Returns whether an EXIF block has a maker's note, whose offsets can count from its start."""
  tags = Image.Exif()
  try:
    tags.load(exif)
    return _BASE.MakerNote in tags.get_ifd(ExifTags.IFD.Exif)
  except Exception:
    # Damage makes Pillow raise a dozen kinds of errors.
    return False


def _with_extras(metadata, extras, orientation, notes):
  """Returns the metadata with what Pillow does not read of a JPEG file."""
  if extras.others:
    notes.append(f"{' and '.join(extras.others)} left out, segments of other programs")
  comments = tuple(("Comment", text) for text in extras.comments)
  extras = extras._replace(comments=(), others=())
  metadata = dataclasses.replace(metadata, jpeg=extras, comments=comments)
  if not extras.extended_xmp:
    xmp = xmp_lib.without(metadata.xmp, xmp_lib.EXTENDED)
    metadata = dataclasses.replace(metadata, xmp=xmp)
  if has_gain_map(metadata) and (orientation != 1 or not extras.trailer):
    if extras.trailer:
      notes.append("gain map left out, as the pixels are turned")
    metadata = without_trailer(metadata)
  return metadata


def _texts(picture):
  """Returns the texts of a PNG file, without those that are metadata in disguise."""
  return tuple(
    (str(keyword), str(text))
    for keyword, text in getattr(picture, "text", {}).items()
    if keyword != "XML:com.adobe.xmp" and not keyword.startswith("Raw profile type ")
  )


def _upright(exif):
  """Returns an EXIF block with orientation 1, if it has any; no other byte changes.

  Raises:
    ValueError: if the block is damaged.
  """
  places, _, order = _entries(exif)
  changed = bytearray(exif)
  for place in places:
    tag, kind, count = struct.unpack_from(f"{order}HHL", exif, place)
    if tag == _BASE.Orientation and count == 1 and kind in _NUMBERS:
      struct.pack_into(f"{order}{_NUMBERS[kind]}", changed, place + 8, 1)
  return bytes(changed)


def _entries(exif):
  """Returns the offsets of the main directory's entries, of what follows, and the byte order.

  Raises:
    ValueError: if the block is damaged.
  """
  base = len(_EXIF_MARK) if exif.startswith(_EXIF_MARK) else 0
  try:
    order = {b"II": "<", b"MM": ">"}[bytes(exif[base : base + 2])]
    (first,) = struct.unpack_from(f"{order}L", exif, base + 4)
    (count,) = struct.unpack_from(f"{order}H", exif, base + first)
    start = base + first + 2
    if start + 12 * count > len(exif):
      raise ValueError("its main directory is cut")
    return range(start, start + 12 * count, 12), start + 12 * count, order
  except (KeyError, struct.error) as error:
    raise ValueError("it has no main directory") from error


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
    kept[tag] = tags.get_ifd(tag) if tag in tiff_file.DIRECTORIES else value
  return kept.tobytes() if len(kept) else b""


def _dpi(picture):
  try:
    across, down = (float(value) for value in picture.info["dpi"])
  except (KeyError, TypeError, ValueError, ZeroDivisionError):
    return None
  usable = all(math.isfinite(value) and 0 < value < 65536 for value in (across, down))
  return (across, down) if usable else None
