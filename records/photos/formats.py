"""The formats of output files: what each can hold."""

from typing import NamedTuple


class Format(NamedTuple):
  """A format of output files.

  Attributes:
    suffix: of file names.
    pillow: Pillow's name of the format.
    keeps_alpha: whether it has transparency.
    keeps_gray: whether it has gray images.
    keeps_16_bits: whether it has samples of 16 bits.
    most_side: longest side that it allows, in pixels; 0 for any.
  """

  suffix: str
  pillow: str
  keeps_alpha: bool
  keeps_gray: bool
  keeps_16_bits: bool
  most_side: int


MOST_JPEG_SIDE, MOST_WEBP_SIDE = 65535, 16383
FORMATS = {
  "png": Format(".png", "PNG", True, True, True, 0),
  "webp": Format(".webp", "WEBP", True, False, False, MOST_WEBP_SIDE),
  "tiff": Format(".tif", "TIFF", True, True, True, 0),
  "jpg": Format(".jpg", "JPEG", False, True, False, MOST_JPEG_SIDE),
}


def check(name: str) -> str:
  """Returns the name of a format after checking it.

  Raises:
    ValueError: if there is no such format.
  """
  if name not in FORMATS:
    raise ValueError(f"format must be one of {', '.join(FORMATS)}, got {name!r}.")
  return name
