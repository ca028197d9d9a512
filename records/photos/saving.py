"""Encodes a restored photograph as a file with the metadata of the original."""

from collections.abc import Callable
import contextlib
import functools
import io
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageFile, PngImagePlugin

from deblock.records.jpeg import header as jpeg_header
from deblock.records.jpeg import tables as jpeg_tables
from deblock.records.photos import (
  fitting,
  formats,
  jpeg_segments,
  original,
  png_chunks,
  tiff_file,
)
from deblock.records.photos import metadata as metadata_lib

_QUALITY = 95  # Of JPEG files, unless the original's steps are finer.
_SMALL_BYTES = 2**15  # Of a JPEG that may be smaller if it is not progressive.
_MOST_JPEG_BYTES = 6  # A pixel: noise with steps of 1 takes 3.4.
_PHOTOSHOP_TAG, _XMP_TAG, _PROFILE_TAG = 34377, 700, 34675


class Raster(NamedTuple):
  """An image to write.

  Attributes:
    samples: uint8 or uint16, [H, W, 3] RGB or [H, W] gray.
    alpha: uint8 [H, W], or None.
    steps: [2, 8, 8], quantisation steps that a JPEG must not exceed; None for any.
  """

  samples: np.ndarray
  alpha: np.ndarray | None
  steps: np.ndarray | None


def copied(data: bytes, found: original.Original, format_name: str, keep: bool) -> bytes | None:
  """Returns the file of an untouched image without encoding it again; None if that is impossible.

  Args:
    data: bytes of the original's file.
    found: what was decoded of it.
    format_name: one of `formats.FORMATS`.
    keep: whether metadata are kept. Of a JPEG without them the orientation stays.
  """
  if found.format != formats.FORMATS[formats.check(format_name)].pillow:
    return None
  if keep:
    return found.data or data
  return jpeg_segments.stripped(found.data, found.orientation) if format_name == "jpg" else None


def finest(tables: np.ndarray | None, header: jpeg_header.JpegHeader | None) -> np.ndarray | None:
  """Returns the quantisation steps that a JPEG of a restored image must not exceed.

  Args:
    tables: [2, 8, 8], by which the image was restored; None if unknown.
    header: of the original, if that is a JPEG.
  Returns:
    int32 [2, 8, 8]; None if nothing is known.
  """
  known = [steps for steps in (tables, header and header.tables) if steps is not None]
  return np.min(known, axis=0) if known else None


def encode(
  samples: np.ndarray,
  alpha: np.ndarray | None,
  metadata: metadata_lib.Metadata,
  format_name: str,
  steps: np.ndarray | None = None,
) -> tuple[bytes, tuple[str, ...]]:
  """Returns the bytes of a file, and notes on what the format could not keep, a clause each.

  All formats are lossless, except JPEG: quality 95 or finer `steps`, 4:4:4, progressive.

  Args:
    samples: uint8 or uint16, [H, W, 3] RGB or [H, W] gray.
    alpha: uint8 [H, W], or None. A format without transparency gets the image on white.
    metadata: to write into the file.
    format_name: one of `formats.FORMATS`.
    steps: [2, 8, 8], quantisation steps of luma and chroma that a JPEG must not exceed.
  Raises:
    ValueError: if there is no such format, or the image is too large for it.
  """
  kind = formats.FORMATS[formats.check(format_name)]
  height, width = samples.shape[:2]
  if kind.most_side and max(height, width) > kind.most_side:
    raise ValueError(
      f"is too large for {format_name}: {width}x{height} pixels, at most {kind.most_side} a side"
    )
  notes: list[str] = []
  if samples.dtype == np.uint16 and not kind.keeps_16_bits:
    notes.append(f"16 bits became 8, as {format_name} has no more")
    samples = np.rint(samples / np.float32(257.0)).astype(np.uint8)
  if alpha is not None and not kind.keeps_alpha:
    notes.append(f"transparency laid on white, as {format_name} has none")
    samples, alpha = on_colour(samples, alpha, "white"), None
  gray = samples.ndim == 2 and kind.keeps_gray
  metadata = fitting.fit(metadata, format_name, gray, notes)
  return _saved(Raster(samples, alpha, steps), metadata, _SAVERS[format_name], notes), tuple(notes)


def encode_jpeg(
  samples: np.ndarray, metadata: metadata_lib.Metadata, tables: np.ndarray, sampling: str
) -> tuple[bytes, tuple[str, ...]]:
  """Returns the bytes of a JPEG with given tables, and notes as `encode`.

  It is progressive, or not if that is smaller: its scans have Huffman tables of their own.

  Args:
    samples: uint8, [H, W, 3] RGB or [H, W] gray.
    metadata: to write into the file.
    tables: int [2, 8, 8] in [1, 255], quantisation steps of luma and chroma.
    sampling: of the chroma, such as "4:2:0".
  """
  notes: list[str] = []
  metadata = fitting.fit(metadata, "jpg", samples.ndim == 2, notes)
  save = functools.partial(_jpeg, tables=tables, sampling=sampling)
  data = _saved(Raster(samples, None, None), metadata, save, notes)
  if len(data) < _SMALL_BYTES:
    save = functools.partial(save, progressive=False)
    data = min(data, _saved(Raster(samples, None, None), metadata, save, []), key=len)
  return data, tuple(notes)


def _saved(raster, metadata, save, notes):
  """Returns the bytes of a file; without metadata if Pillow fails on them."""
  try:
    return save(raster, metadata)
  except MemoryError:
    raise
  except Exception as error:
    # Damaged metadata make Pillow raise a dozen kinds of errors. The pixels are not affected.
    if metadata == metadata_lib.Metadata():
      raise
    data = save(raster, metadata_lib.Metadata())
    notes.append(f"metadata left out, which cannot be written ({error or type(error).__name__})")
    return data


def on_colour(samples: np.ndarray, alpha: np.ndarray, colour: str) -> np.ndarray:
  """Returns samples, uint8 [H, W, 3] or [H, W], laid on a colour that Pillow knows by its name."""
  picture = _picture(Raster(samples, alpha, None))
  below = Image.new("RGBA", picture.size, colour)
  opaque = "L" if samples.ndim == 2 else "RGB"
  return np.asarray(Image.alpha_composite(below, picture.convert("RGBA")).convert(opaque))


def _picture(raster):
  picture = Image.fromarray(raster.samples)
  if raster.alpha is not None:
    picture.putalpha(Image.fromarray(raster.alpha))
  return picture


def _present(metadata, *names):
  """Returns the profile and the named fields as options of Pillow; leaves empty ones out."""
  options = {name: getattr(metadata, name) for name in names}
  options["icc_profile"] = metadata.icc
  return {name: value for name, value in options.items() if value}


def _by_pillow(picture, **options):
  buffer = io.BytesIO()
  picture.save(buffer, **options)
  return buffer.getvalue()


def _png(raster, metadata):
  info = PngImagePlugin.PngInfo()
  for name, content in metadata.colour:
    info.add(name, content)
  if metadata.xmp:
    info.add_itxt("XML:com.adobe.xmp", metadata.xmp.decode("utf-8", "replace"))
  for keyword, text in metadata.comments:
    info.add_text(keyword, text)
  # As in `jpeg.codec.encode_png`: level 6 takes four times as long for 2 %.
  options = {"format": "PNG", "compress_level": 1, "pnginfo": info}
  options |= _present(metadata, "exif", "dpi")
  if raster.samples.dtype == np.uint8:
    return _by_pillow(_picture(raster), **options)
  # Pillow writes the file round a single pixel, as it has no 16-bit colour.
  colours = "L" if raster.samples.ndim == 2 else "RGB"
  return png_chunks.deepened(
    _by_pillow(Image.new(colours, (1, 1)), **options), raster.samples, raster.alpha
  )


def _webp(raster, metadata):
  picture = _picture(raster)
  if picture.mode in ("L", "LA"):
    picture = picture.convert("RGBA" if picture.mode == "LA" else "RGB")
  # Exact keeps the colours of transparent pixels.
  options = {"format": "WEBP", "lossless": True, "exact": True, "quality": 50}
  return _by_pillow(picture, **options, **_present(metadata, "exif", "xmp"))


def _tiff(raster, metadata):
  tags = Image.Exif()
  if metadata.exif:
    tags.load(metadata_lib.descriptive(metadata.exif))
  fields = {
    _XMP_TAG: metadata.xmp,
    _PHOTOSHOP_TAG: metadata.jpeg.photoshop,
    _PROFILE_TAG: metadata.icc,
  }
  for tag, value in fields.items():
    if value:
      tags[tag] = value
  return tiff_file.encode(raster.samples, raster.alpha, tags, metadata.dpi)


def _jpg(raster, metadata):
  tables = jpeg_tables.quantization_tables(_QUALITY)
  if raster.steps is not None:
    tables = np.minimum(tables, raster.steps)
  return _jpeg(raster, metadata, tables, "4:4:4")


def _jpeg(raster, metadata, tables, sampling, progressive=True):
  tables = tables[:1] if raster.samples.ndim == 2 else tables
  options = {"format": "JPEG", "qtables": tables.reshape(-1, 64).tolist(), "subsampling": sampling}
  options |= _present(metadata, "exif", "xmp", "dpi")
  picture = _picture(raster)
  with _room_for(_MOST_JPEG_BYTES * picture.width * picture.height):
    data = _by_pillow(picture, progressive=progressive, optimize=True, **options)
  comments = tuple(
    text if keyword == "Comment" else f"{keyword}: {text}" for keyword, text in metadata.comments
  )
  return jpeg_segments.write(data, metadata.jpeg._replace(comments=comments))


@contextlib.contextmanager
def _room_for(size_bytes):
  """Makes Pillow's buffer for an encoded image so large; by itself it has 2 bytes a pixel.

  libjpeg writes optimised files in one piece, and fails where that does not fit.
  """
  before = ImageFile.MAXBLOCK
  ImageFile.MAXBLOCK = max(before, size_bytes)
  try:
    yield
  finally:
    ImageFile.MAXBLOCK = before


_SAVERS: dict[str, Callable[[Raster, metadata_lib.Metadata], bytes]] = {
  "png": _png,
  "webp": _webp,
  "tiff": _tiff,
  "jpg": _jpg,
}
