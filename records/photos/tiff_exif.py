"""Writes compressed TIFF files with all of a photograph's EXIF.

Exposure, lens and place stand in directories of their own, which Pillow writes into uncompressed
files only: of others libtiff refuses them, and the file with them. So they are put behind the
image here, and the file told where.
"""

import io
import struct

from PIL import Image, TiffImagePlugin

# Tags of the main directory that say where another begins: EXIF's own, and that of the place.
DIRECTORIES = (0x8769, 0x8825)
_ENTRY = 12  # Bytes: tag, type and count, and the value or where it stands.


def save(picture: Image.Image, tags: Image.Exif, **options) -> bytes:
  """Returns a TIFF file, compressed without loss.

  Args:
    picture: to write.
    tags: of the main directory and of `DIRECTORIES`.
    **options: of Pillow's `save`.
  """
  main = TiffImagePlugin.ImageFileDirectory_v2()
  for tag, value in tags.items():
    main[tag] = 0 if tag in DIRECTORIES else value
  buffer = io.BytesIO()
  picture.save(buffer, "TIFF", compression="tiff_adobe_deflate", tiffinfo=main, **options)
  for tag in DIRECTORIES:
    values = tags.get_ifd(tag) if tag in tags else {}
    if values:
      _append(buffer, tag, values)
  return buffer.getvalue()


def _append(buffer, tag, values):
  """Writes a directory behind a file, and where it begins into the main one."""
  start = buffer.seek(0, io.SEEK_END)
  # Directories begin at even places.
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
    for place in range(first + 2, first + 2 + count * _ENTRY, _ENTRY):
      if struct.unpack_from(f"{order}H", view, place) == (tag,):
        # One number of 32 bits.
        struct.pack_into(f"{order}HHLL", view, place, tag, 4, 1, start)
