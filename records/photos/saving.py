"""Encodes a restored photograph as a file with the metadata of the original."""

from collections.abc import Callable
import dataclasses
import io
import struct
from typing import NamedTuple

import numpy as np
from PIL import Image, PngImagePlugin, TiffImagePlugin

from deblock.records.photos import metadata as metadata_lib

# A JPEG segment holds 65533 bytes: EXIF with its mark of 6 bytes, XMP after a name of 29 bytes.
_MOST_EXIF, _MOST_XMP = 65533, 65504
_MOST_JPEG_SIDE, _MOST_WEBP_SIDE = 65535, 16383
_TIFF_ENTRY_BYTES = 12  # Tag, type, count, and the value or its offset.


class Format(NamedTuple):
  """A format of output files.

  Attributes:
    suffix: of file names.
    save: from image and metadata to the bytes of a file.
    keeps_alpha: whether it has transparency.
    keeps_gray: whether it has gray images.
    keeps_16_bits: whether it has samples of 16 bits.
    most_side: longest side that it allows, in pixels; 0 for any.
  """

  suffix: str
  save: Callable[[Image.Image, metadata_lib.Metadata], bytes]
  keeps_alpha: bool
  keeps_gray: bool
  keeps_16_bits: bool
  most_side: int


def check_format(name: str) -> str:
  """Returns the name of a format after checking it.

  Raises:
    ValueError: if there is no such format.
  """
  if name not in FORMATS:
    raise ValueError(f"format must be one of {', '.join(FORMATS)}, got {name!r}.")
  return name


def encode(
  samples: np.ndarray,
  alpha: np.ndarray | None,
  metadata: metadata_lib.Metadata,
  format_name: str,
) -> tuple[bytes, tuple[str, ...]]:
  """Returns the bytes of a file, and notes on what the format could not keep, a clause each.

  All formats are lossless, except JPEG (quality 95, 4:4:4).

  Args:
    samples: uint8 [H, W, 3] RGB, uint8 [H, W] gray or uint16 [H, W] gray.
    alpha: uint8 [H, W], or None. A format without transparency gets the image on white.
    metadata: to write into the file.
    format_name: one of `FORMATS`.
  Raises:
    ValueError: if there is no such format, or the image is too large for it.
  """
  kind = FORMATS[check_format(format_name)]
  height, width = samples.shape[:2]
  if kind.most_side and max(height, width) > kind.most_side:
    raise ValueError(
      f"is too large for {format_name}: {width}x{height} pixels, at most {kind.most_side} a side"
    )
  notes = []
  if samples.dtype == np.uint16 and not kind.keeps_16_bits:
    notes.append(f"16 bits became 8, as {format_name} has no more")
    samples = np.rint(samples / 257.0).astype(np.uint8)
  picture = Image.fromarray(samples)
  if alpha is not None:
    picture.putalpha(Image.fromarray(alpha))
    if not kind.keeps_alpha:
      notes.append(f"transparency laid on white, as {format_name} has none")
      picture = _on_white(picture)
  if picture.mode in ("L", "LA") and not kind.keeps_gray:
    picture = picture.convert("RGBA" if picture.mode == "LA" else "RGB")
  if metadata.dpi and format_name == "webp":
    notes.append("resolution left out, as webp has none")
  if format_name == "jpg":
    metadata = _short(metadata, notes)
  return _saved(picture, metadata, kind, notes), tuple(notes)


def _saved(picture, metadata, kind, notes):
  """Returns the bytes of a file; without metadata if Pillow fails on them."""
  try:
    return kind.save(picture, metadata)
  except MemoryError:
    raise
  except Exception as error:
    # Damaged metadata make Pillow raise a dozen kinds of errors. The pixels are not affected.
    if metadata == metadata_lib.Metadata():
      raise
    data = kind.save(picture, metadata_lib.Metadata())
    notes.append(f"metadata left out, which cannot be written ({error or type(error).__name__})")
    return data


def _on_white(picture):
  opaque = "L" if picture.mode == "LA" else "RGB"
  white = Image.new("RGBA", picture.size, "white")
  return Image.alpha_composite(white, picture.convert("RGBA")).convert(opaque)


def _short(metadata, notes):
  """Returns the metadata without the blocks that are too long for a JPEG segment."""
  if len(metadata.exif) > _MOST_EXIF:
    notes.append("EXIF left out, as it is too long for jpg")
    metadata = dataclasses.replace(metadata, exif=b"")
  if len(metadata.xmp) > _MOST_XMP:
    notes.append("XMP left out, as it is too long for jpg")
    metadata = dataclasses.replace(metadata, xmp=b"")
  return metadata


def _present(metadata, *names):
  """Returns the profile and the named fields as options of Pillow; leaves empty ones out."""
  options = {name: getattr(metadata, name) for name in names}
  options["icc_profile"] = metadata.icc
  return {name: value for name, value in options.items() if value}


def _by_pillow(picture, **options):
  buffer = io.BytesIO()
  picture.save(buffer, **options)
  return buffer.getvalue()


def _png(picture, metadata):
  info = PngImagePlugin.PngInfo()
  if metadata.xmp:
    info.add_itxt("XML:com.adobe.xmp", metadata.xmp.decode("utf-8", "replace"))
  # As in `jpeg.codec.encode_png`: level 6 takes four times as long for 2 %.
  options = {"format": "PNG", "compress_level": 1, "pnginfo": info}
  return _by_pillow(picture, **options, **_present(metadata, "exif", "dpi"))


def _webp(picture, metadata):
  # Exact keeps the colours of transparent pixels.
  options = {"format": "WEBP", "lossless": True, "exact": True, "quality": 50}
  return _by_pillow(picture, **options, **_present(metadata, "exif", "xmp"))


def _tiff(picture, metadata):
  tags = Image.Exif()
  if metadata.exif:
    tags.load(metadata_lib.descriptive(metadata.exif))
  if metadata.xmp:
    tags[700] = metadata.xmp
  return _compressed_tiff(picture, tags, **_present(metadata, "dpi"))


def _compressed_tiff(picture, tags, **options):
  """Returns a deflated TIFF file with all of `tags`.

  EXIF and GPS are directories of their own. Pillow cannot write them into compressed files, as
  libtiff refuses them. They are appended to the file here, and the main directory gets their
  offsets.
  """
  main = TiffImagePlugin.ImageFileDirectory_v2()
  for tag, value in tags.items():
    main[tag] = 0 if tag in metadata_lib.DIRECTORIES else value
  buffer = io.BytesIO()
  picture.save(buffer, "TIFF", compression="tiff_adobe_deflate", tiffinfo=main, **options)
  for tag in metadata_lib.DIRECTORIES:
    values = tags.get_ifd(tag) if tag in tags else {}
    if values:
      _append_directory(buffer, tag, values)
  return buffer.getvalue()


def _append_directory(buffer, tag, values):
  """Appends a directory to a TIFF file, and writes its offset into the main directory."""
  start = buffer.seek(0, io.SEEK_END)
  # Directories begin at even offsets.
  start += buffer.write(b"\0" * (start % 2))
  header = bytes(buffer.getbuffer()[:8])
  directory = TiffImagePlugin.ImageFileDirectory_v2(header)
  for name, value in values.items():
    directory[name] = value
  buffer.write(directory.tobytes(start))
  order = "<" if header[:2] == b"II" else ">"
  with buffer.getbuffer() as view:
    (first,) = struct.unpack_from(f"{order}L", view, 4)
    (count,) = struct.unpack_from(f"{order}H", view, first)
    for place in range(first + 2, first + 2 + count * _TIFF_ENTRY_BYTES, _TIFF_ENTRY_BYTES):
      if struct.unpack_from(f"{order}H", view, place) == (tag,):
        # Type 4, one unsigned number of 32 bits.
        struct.pack_into(f"{order}HHLL", view, place, tag, 4, 1, start)


def _jpg(picture, metadata):
  options = {"format": "JPEG", "quality": 95, "subsampling": "4:4:4"}
  return _by_pillow(picture, **options, **_present(metadata, "exif", "xmp", "dpi"))


FORMATS = {
  "png": Format(".png", _png, True, True, True, 0),
  "webp": Format(".webp", _webp, True, False, False, _MOST_WEBP_SIDE),
  "tiff": Format(".tif", _tiff, True, True, True, 0),
  "jpg": Format(".jpg", _jpg, False, True, False, _MOST_JPEG_SIDE),
}
