"""TIFF files of 8 and 16 bits a sample, compressed, with all of a photograph's EXIF.

Pillow writes neither 16 bits of colour nor, into compressed files, directories of their own, which
EXIF and GPS are. The layout is that of TIFF 6.0, with Deflate by Adobe's technical note.
"""

import struct
import zlib

import numpy as np
from PIL import Image, TiffImagePlugin

# Tags of the main directory that point to other directories: EXIF and GPS.
DIRECTORIES = (0x8769, 0x8825)
_STRIP_BYTES = 2**18  # Of the image, before compression.
_DEFLATE, _HORIZONTAL, _CHUNKY, _UNSIGNED, _INCH, _SEPARATE_ALPHA = 8, 2, 1, 1, 2, 2


def encode(
  samples: np.ndarray,
  alpha: np.ndarray | None,
  tags: Image.Exif,
  dpi: tuple[float, float] | None = None,
) -> bytes:
  """Returns the bytes of a TIFF file, compressed without loss.

  Args:
    samples: uint8 or uint16, [H, W, 3] RGB or [H, W] gray.
    alpha: uint8 [H, W], or None.
    tags: what else the main directory holds; those of `DIRECTORIES` become directories.
    dpi: pixels per inch, horizontal and vertical.
  """
  height, width = samples.shape[:2]
  colours = samples.shape[2] if samples.ndim == 3 else 1
  bands = colours + (alpha is not None)
  bits = 8 * samples.itemsize
  rows = max(1, _STRIP_BYTES // (width * bands * samples.itemsize))
  strips = [
    zlib.compress(_differences(samples[top : top + rows], alpha, top), 1)
    for top in range(0, height, rows)
  ]
  sizes = [len(strip) for strip in strips]
  # Pillow counts them from where the directory and all that it points to end.
  offsets = np.cumsum([0, *sizes[:-1]]).tolist()
  directory = TiffImagePlugin.ImageFileDirectory_v2(b"II*\0\0\0\0\0")
  for tag, value in tags.items():
    directory[tag] = dict(tags.get_ifd(tag)) if tag in DIRECTORIES else value
  layout = {
    **{256: width, 257: height, 258: (bits,) * bands, 259: _DEFLATE, 262: 1 if colours == 1 else 2},
    **{273: tuple(offsets), 277: bands, 278: rows, 279: tuple(sizes)},
    **{284: _CHUNKY, 317: _HORIZONTAL, 339: (_UNSIGNED,) * bands},
  }
  if alpha is not None:
    layout[338] = _SEPARATE_ALPHA
  if dpi:
    layout |= {282: dpi[0], 283: dpi[1], 296: _INCH}
  for tag, value in layout.items():
    directory[tag] = value
  header = struct.pack("<2sHL", b"II", 42, 8)
  return b"".join((header, directory.tobytes(8), *strips))


def _differences(rows, alpha, top):
  """Returns rows as bytes, each sample less the one of its kind to the left."""
  rows = rows.reshape(*rows.shape[:2], -1)
  if alpha is not None:
    part = alpha[top : top + len(rows)].astype(rows.dtype) * (257 if rows.itemsize == 2 else 1)
    rows = np.concatenate([rows, part[..., np.newaxis].astype(rows.dtype)], axis=2)
  made = rows.copy()
  made[:, 1:] -= rows[:, :-1]
  return made.astype(made.dtype.newbyteorder("<")).tobytes()
