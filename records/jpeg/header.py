"""Reads how a JPEG was made from its header: tables, colours, subsampling."""

from typing import NamedTuple

import numpy as np
from PIL import JpegImagePlugin

from deblock.records.jpeg import encoders, sampling
from deblock.records.jpeg import tables as jpeg_tables

_LARGEST_STEP = 255  # Of baseline JPEG.
# By columns and rows of pixels to one sample of chroma; those that `sampling` has, and others.
_RATIOS = {
  **{(columns, rows): name for name, (rows, columns) in sampling.FACTORS.items()},
  **{(1, 2): "440", (4, 1): "411"},
}


class JpegHeader(NamedTuple):
  """How a JPEG was made.

  Attributes:
    tables: int32 [2, 8, 8] in [1, 255], steps of luma and chroma in natural order. RGB and CMYK
      files have those of the first and second component. Steps of 16-bit tables are clipped to 255.
      None if the header has no such tables.
    colours: of the stored samples: "gray", "YCbCr", "RGB", "CMYK" or "YCCK".
    subsampling: of chroma, such as "420"; two numbers for unusual ratios, such as "3x1"; "" for
      gray.
    progressive: whether the file is progressive.
    regular: whether `tables` are the file's own steps of every plane: no step was clipped, and Cr
      has the table and the sampling of Cb.
  """

  tables: np.ndarray | None
  colours: str
  subsampling: str
  progressive: bool
  regular: bool = True

  def __str__(self):
    """Returns the words for a log, such as "YCbCr 4:2:0, progressive"."""
    sampling = self.subsampling if "x" in self.subsampling else ":".join(self.subsampling)
    words = " ".join(filter(None, (self.colours, sampling)))
    return f"{words}, progressive" if self.progressive else words


def header(picture: JpegImagePlugin.JpegImageFile) -> JpegHeader:
  """Returns the header of a JPEG that Pillow has opened, without decoding its pixels.

  Raises:
    ValueError: if a step is 0.
  """
  colours = _colours(picture)
  return JpegHeader(
    tables=_tables(picture),
    colours=colours,
    subsampling="" if colours == "gray" else _subsampling(picture),
    progressive=bool(picture.info.get("progressive")),
    regular=_regular(picture),
  )


def with_chroma(luma: np.ndarray) -> np.ndarray:
  """Returns the table of a gray JPEG with a matching table for chroma.

  Args:
    luma: [8, 8], steps in [1, 255].
  Returns:
    int32 [2, 8, 8]: these steps, and the standard's chroma steps at `encoders.nearest_quality`.
  """
  quality = encoders.nearest_quality(luma[np.newaxis])
  return np.stack([luma, jpeg_tables.quantization_tables(quality)[1]]).astype(np.int32)


def _tables(picture):
  numbers = [layer[3] for layer in picture.layer[:2]]
  if not numbers or not set(numbers) <= picture.quantization.keys():
    return None
  # Pillow has changed the file's zig-zag order into natural order.
  tables = np.array([picture.quantization[number] for number in numbers], np.int32)
  tables = tables.reshape(-1, 8, 8)
  if tables.min() < 1:
    raise ValueError("its quantisation table has a step of 0")
  tables = np.minimum(tables, _LARGEST_STEP)
  return tables if len(tables) == 2 else with_chroma(tables[0])


def _regular(picture):
  largest = max((max(steps) for steps in picture.quantization.values()), default=0)
  chroma = [layer[1:] for layer in picture.layer[1:]]
  return largest <= _LARGEST_STEP and all(layer == chroma[0] for layer in chroma)


def _colours(picture):
  layers, transform = picture.layers, picture.info.get("adobe_transform")
  if layers == 1:
    return "gray"
  if layers == 4:
    return "YCCK" if transform == 2 else "CMYK"
  # The rule of libjpeg: a JFIF marker overrides Adobe's marker, which overrides component names.
  if "jfif" not in picture.info:
    names = bytes(layer[0] for layer in picture.layer)
    if transform == 0 or (transform is None and names == b"RGB"):
      return "RGB"
  return "YCbCr"


def _subsampling(picture):
  (_, across, down, _), (_, chroma_across, chroma_down, _) = picture.layer[:2]
  if across % chroma_across or down % chroma_down:
    return f"{across / chroma_across:.3g}x{down / chroma_down:.3g}"
  ratio = (across // chroma_across, down // chroma_down)
  return _RATIOS.get(ratio, f"{ratio[0]}x{ratio[1]}")
