"""Which metadata a format of files holds, and what is said of the rest."""

import dataclasses

from deblock.records.photos import metadata as metadata_lib
from deblock.records.photos import png_chunks
from deblock.records.photos import xmp as xmp_lib

# A JPEG segment holds 65533 bytes: EXIF with its mark of 6 bytes, XMP after a name of 29 bytes.
_MOST_EXIF, _MOST_XMP = 65533, 65504
_IPTC = b"8BIM\x04\x04"


def fit(
  metadata: metadata_lib.Metadata, format_name: str, gray: bool, notes: list[str]
) -> metadata_lib.Metadata:
  """Returns the metadata that a file can hold.

  Args:
    metadata: of the original.
    format_name: "png", "webp", "tiff" or "jpg".
    gray: whether the file's image is gray.
    notes: gets a clause about each part that is left out.
  """

  def leave_out(part):
    notes.append(f"{part} left out, as {format_name} has none")

  changes: dict = {}
  if metadata.dpi and format_name == "webp":
    leave_out("resolution")
    changes["dpi"] = None
  if metadata.icc[16:20] == b"CMYK" or (metadata.icc[16:20] == b"GRAY" and not gray):
    notes.append("colour profile left out, as it is for other colours than the result's")
    changes["icc"] = b""
  if format_name != "png":
    if names := _colour(metadata):
      leave_out(f"the PNG's {' and '.join(names)}")
    changes["colour"] = ()
  if metadata.comments and format_name not in ("png", "jpg"):
    leave_out("comments" if len(metadata.comments) > 1 else "comment")
    changes["comments"] = ()
  if metadata.jpeg.photoshop and format_name not in ("tiff", "jpg"):
    leave_out("IPTC" if _IPTC in metadata.jpeg.photoshop else "Photoshop's data")
  if format_name == "tiff" and metadata_lib.has_thumbnail(metadata.exif):
    leave_out("EXIF's thumbnail")
  if format_name == "tiff" and metadata_lib.has_maker_note(metadata.exif):
    notes.append("EXIF's maker note moved, so that offsets in it can be wrong")
  metadata = dataclasses.replace(metadata, **changes)
  return _short(metadata, notes) if format_name == "jpg" else _without_segments(metadata, leave_out)


def _colour(metadata):
  """Returns the names of the chunks that make a difference: a profile outweighs all but cICP."""
  return [
    chunk[0].decode("ascii")
    for chunk in metadata.colour
    if not png_chunks.is_srgb(chunk) and (chunk[0] == b"cICP" or not metadata.icc)
  ]


def _without_segments(metadata, leave_out):
  """Returns the metadata without what only a JPEG file holds, and without all mention of it."""
  if metadata.jpeg.extended_xmp:
    leave_out("extended XMP")
    xmp = xmp_lib.without(metadata.xmp, xmp_lib.EXTENDED)
    metadata = dataclasses.replace(metadata, xmp=xmp)
  if behind := metadata_lib.behind_the_image(metadata):
    leave_out(behind)
  return metadata_lib.without_trailer(metadata)


def _short(metadata, notes):
  """Returns the metadata without the blocks that are too long for a JPEG segment."""
  if len(metadata.exif) > _MOST_EXIF:
    notes.append("EXIF left out, as it is too long for jpg")
    metadata = dataclasses.replace(metadata, exif=b"")
  if len(metadata.xmp) > _MOST_XMP:
    notes.append("XMP left out, as it is too long for jpg")
    metadata = dataclasses.replace(metadata, xmp=b"")
  return metadata
