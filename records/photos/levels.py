"""The planes of a JPEG as its decoder makes them, before RGB is rounded and cut to its range.

They are whole numbers of which nearly every coefficient is found again; of RGB it is fewer.
"""

import numpy as np
from PIL import JpegImagePlugin

from deblock.records.jpeg import header as jpeg_header
from deblock.records.jpeg import sampling as jpeg_sampling
from deblock.records.photos import reading

_ROWS = 512  # That are copied at a time: Pillow would copy a large image twice at once.


def obstacle(header: jpeg_header.JpegHeader | None) -> str:
  """Returns why coefficients cannot be found in a file's planes; "" if they can.

  Args:
    header: of a JPEG; None of any other file.
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
  """Returns the decoded planes of a JPEG, smooth chroma for each pixel.

  Args:
    data: what the file holds, a gray or a YCbCr JPEG.
    name: what an error calls it, its path as a rule.
    max_pixels: larger images are refused before they are decoded.
  Returns:
    uint8 [H, W, 3], Y, Cb and Cr; or gray, uint8 [H, W].
  Raises:
    ImageError: as `images.decode_picture`, or if it is another kind of file.
  """
  with reading.opened(data, name, max_pixels) as picture:
    if isinstance(picture, JpegImagePlugin.JpegImageFile) and picture.mode == "RGB":
      # No smaller image is asked for, only that its colours be left as they are stored.
      picture.draft("YCbCr", picture.size)
    if picture.mode not in ("L", "YCbCr"):
      raise reading.ImageError(name, "is no gray or YCbCr JPEG")
    picture.load()
    width, height = picture.size
    levels = np.empty((height, width) if picture.mode == "L" else (height, width, 3), np.uint8)
    for top in range(0, height, _ROWS):
      bottom = min(top + _ROWS, height)
      levels[top:bottom] = np.asarray(picture.crop((0, top, width, bottom)))
    return levels
