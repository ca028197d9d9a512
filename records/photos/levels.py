"""Decodes a JPEG to Y, Cb and Cr, before the conversion to RGB rounds and clips them.

From these planes nearly every DCT coefficient can be recovered; from RGB fewer can.
"""

import numpy as np
from PIL import JpegImagePlugin

from deblock.records.jpeg import header as jpeg_header
from deblock.records.jpeg import sampling as jpeg_sampling
from deblock.records.photos import reading

_ROWS = 512  # Copied at a time. Pillow would hold two copies of a large image at once.


def obstacle(header: jpeg_header.JpegHeader | None) -> str:
  """Returns why coefficients cannot be recovered from a file's planes; "" if they can.

  Args:
    header: of a JPEG; None for any other file.
  """
  if header is None:
    return "it is no JPEG file"
  if header.colours not in ("gray", "YCbCr"):
    return f"its colours are {header.colours}"
  if header.colours == "YCbCr" and header.subsampling not in jpeg_sampling.FACTORS:
    return f"its chroma is sampled {header.subsampling}"
  if header.tables is None:
    return "it has no quantisation tables"
  if not header.regular:
    return "its quantisation or sampling is unusual"
  return ""


def decode(data: bytes, name: str, max_pixels: int = reading.MAX_PIXELS) -> np.ndarray:
  """Returns the decoded planes of a JPEG, with smoothly upsampled chroma.

  Args:
    data: bytes of a gray or YCbCr JPEG.
    name: used in error messages, usually the path.
    max_pixels: larger images are refused before they are decoded.
  Returns:
    uint8 [H, W, 3], Y, Cb and Cr; or uint8 [H, W] for gray.
  Raises:
    ImageError: as `reading.decode_picture`, or for any other kind of file.
  """
  with reading.opened(data, name, max_pixels) as picture:
    if isinstance(picture, JpegImagePlugin.JpegImageFile) and picture.mode == "RGB":
      # The same size, but without the conversion to RGB.
      picture.draft("YCbCr", picture.size)
    if picture.mode not in ("L", "YCbCr"):
      raise reading.ImageError(name, "is not a gray or YCbCr JPEG")
    picture.load()
    width, height = picture.size
    levels = np.empty((height, width) if picture.mode == "L" else (height, width, 3), np.uint8)
    for top in range(0, height, _ROWS):
      bottom = min(top + _ROWS, height)
      levels[top:bottom] = np.asarray(picture.crop((0, top, width, bottom)))
    return levels
