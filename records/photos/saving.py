"""A restored photograph as the bytes of a file, with what the original said of itself."""

from collections.abc import Callable
import dataclasses
import io
from typing import NamedTuple

import numpy as np
from PIL import Image, PngImagePlugin

from deblock.records.photos import original, tiff_exif

# A JPEG's segment holds 65533 bytes; EXIF has 6 of them for its name, XMP 29.
_MOST_EXIF, _MOST_XMP = 65533, 65504
_MOST_JPEG_SIDE, _MOST_WEBP_SIDE = 65535, 16383


class Format(NamedTuple):
  """A format of output files.

  Attributes:
    suffix: of their names.
    save: image and metadata to the bytes of a file.
    keeps_alpha: whether it has transparency.
    keeps_gray: whether it has gray images of their own.
    keeps_16_bits: whether it has samples of 16 bits.
    most_side: pixels of its longest side, 0 for any.
  """

  suffix: str
  save: Callable[[Image.Image, original.Metadata], bytes]
  keeps_alpha: bool
  keeps_gray: bool
  keeps_16_bits: bool
  most_side: int


def check_format(name: str) -> str:
  """Returns the name of a format after checking it.

  Raises:
    ValueError: if there is none of that name.
  """
  if name not in FORMATS:
    raise ValueError(f"format must be one of {', '.join(FORMATS)}, got {name!r}.")
  return name


def encode(
  samples: np.ndarray,
  alpha: np.ndarray | None,
  metadata: original.Metadata,
  format_name: str,
) -> tuple[bytes, tuple[str, ...]]:
  """Returns a file's bytes, and what the format could not keep, a clause each.

  All formats but JPEG (quality 95, 4:4:4) are without loss.

  Args:
    samples: uint8 [H, W, 3] RGB, uint8 [H, W] gray or uint16 [H, W] gray.
    alpha: uint8 [H, W], or None. Where the format has no transparency it is laid on white.
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
  """Returns a file, without metadata if they are what it cannot be made of."""
  try:
    return kind.save(picture, metadata)
  except MemoryError:
    raise
  except Exception as error:
    # Damaged metadata make Pillow raise a dozen kinds. The pixels are not the worse for it.
    if metadata == original.Metadata():
      raise
    data = kind.save(picture, original.Metadata())
    notes.append(f"metadata left out, which cannot be written ({error or type(error).__name__})")
    return data


def _on_white(picture):
  opaque = "L" if picture.mode == "LA" else "RGB"
  white = Image.new("RGBA", picture.size, "white")
  return Image.alpha_composite(white, picture.convert("RGBA")).convert(opaque)


def _short(metadata, notes):
  """Returns the metadata that a JPEG's segments can hold."""
  if len(metadata.exif) > _MOST_EXIF:
    notes.append("EXIF left out, as it is too long for jpg")
    metadata = dataclasses.replace(metadata, exif=b"")
  if len(metadata.xmp) > _MOST_XMP:
    notes.append("XMP left out, as it is too long for jpg")
    metadata = dataclasses.replace(metadata, xmp=b"")
  return metadata


def _present(metadata, *names):
  """Returns the metadata of these names as options, but for what there is none of."""
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
  # As in codec.encode_png: level 6 takes four times as long for 2 %.
  options = {"format": "PNG", "compress_level": 1, "pnginfo": info}
  return _by_pillow(picture, **options, **_present(metadata, "exif", "dpi"))


def _webp(picture, metadata):
  # Exact, as the colours under transparent pixels are the photograph's too.
  options = {"format": "WEBP", "lossless": True, "exact": True, "quality": 50}
  return _by_pillow(picture, **options, **_present(metadata, "exif", "xmp"))


def _tiff(picture, metadata):
  tags = Image.Exif()
  if metadata.exif:
    tags.load(original.descriptive(metadata.exif))
  if metadata.xmp:
    tags[700] = metadata.xmp
  return tiff_exif.save(picture, tags, **_present(metadata, "dpi"))


def _jpg(picture, metadata):
  options = {"format": "JPEG", "quality": 95, "subsampling": "4:4:4"}
  return _by_pillow(picture, **options, **_present(metadata, "exif", "xmp", "dpi"))


FORMATS = {
  "png": Format(".png", _png, True, True, True, 0),
  "webp": Format(".webp", _webp, True, False, False, _MOST_WEBP_SIDE),
  "tiff": Format(".tif", _tiff, True, True, True, 0),
  "jpg": Format(".jpg", _jpg, False, True, False, _MOST_JPEG_SIDE),
}
