"""Tags that claim far more than their file holds."""

import io
import struct
import zlib

import numpy as np
from PIL import Image
import pytest

from deblock.records.photos import metadata, original, reading, tag_directory

_SIDE = 16
_FIRST_FREE = 53000  # Tags that nobody uses.


def _tiff(tags, size, kind=7, order="<"):
  """Returns a gray TIFF file with tags that all claim the same bytes."""
  layout = {256: _SIDE, 257: _SIDE, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: _SIDE}
  layout[279] = _SIDE * _SIDE
  start = 8 + _SIDE * _SIDE
  unit = {3: 2, 7: 1}[kind]
  entries = [(tag, 4, 1, value) for tag, value in layout.items()]
  entries += [(_FIRST_FREE + number, kind, size // unit, start) for number in range(tags)]
  directory = struct.pack(f"{order}H", len(entries))
  directory += b"".join(struct.pack(f"{order}HHLL", *entry) for entry in entries) + bytes(4)
  head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}L", start + size)
  return head + bytes(_SIDE * _SIDE + size) + directory


def _chunk(name, content):
  return (
    struct.pack(">L", len(content)) + name + content + struct.pack(">L", zlib.crc32(name + content))
  )


def _data(kind, **options):
  buffer = io.BytesIO()
  Image.new("RGB", (_SIDE, _SIDE)).save(buffer, kind, **options)
  return buffer.getvalue()


def _files(exif):
  """Returns an image file of each kind that holds EXIF, with this EXIF."""
  png, jpeg = _data("PNG"), _data("JPEG")
  chunk = _chunk(b"eXIf", exif)
  raw = b"\nexif\n%8d\n" % len(exif) + exif.hex().encode()
  text = _chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(raw))
  segments = b"".join(
    b"\xff\xe1" + struct.pack(">H", len(part) + 8) + b"Exif\0\0" + part
    for part in (exif[start : start + 60000] for start in range(0, len(exif), 60000))
  )
  return {
    "tif": exif,
    "png": png[:33] + chunk + png[33:],
    "png behind the image": png[:-12] + chunk + png[-12:],
    "png as text": png[:33] + text + png[33:],
    "jpg": jpeg[:2] + segments + jpeg[2:],
    "webp": _data("WEBP", exif=exif),
    "avif": _data("AVIF", exif=exif),
  }


@pytest.mark.parametrize("order", ["<", ">"])
def test_tags_that_share_their_bytes_are_refused_before_they_are_read(order):
  # Pillow would copy 2000 times 64 kB.
  for name, data in _files(_tiff(2000, 2**16, order=order)).items():
    for read in (reading.decode_picture, original.decode):
      with pytest.raises(reading.ImageError, match=rf"{name}: .*its tags claim 131\d+ bytes of \d"):
        read(data, name)


def test_tags_of_countless_numbers_are_refused():
  data = _tiff(1, 2 * tag_directory.MOST_NUMBERS + 2, kind=3)
  with pytest.raises(reading.ImageError, match=r"its tags hold 10485\d\d numbers"):
    original.decode(data, "a.tif")
  assert tag_directory.problem(_tiff(1, tag_directory.MOST_NUMBERS, kind=3)) == ""


def test_sound_tags_are_read_and_counted_as_metadata():
  data = _tiff(3, 5000)
  np.testing.assert_array_equal(original.decode(data, "a").samples, np.zeros((_SIDE, _SIDE)))
  assert 15000 <= tag_directory.claimed_bytes(data) <= 15100
  profile = bytes(100_000)
  files = {
    "TIFF": _data("TIFF", icc_profile=profile),
    "WEBP": _data("WEBP", icc_profile=profile),
    "JPEG": _data("JPEG", icc_profile=profile),
    "PNG": _data("PNG")[:-12] + _chunk(b"prVt", profile) + _data("PNG")[-12:],
  }
  for name, data in files.items():
    with reading.opened(data, name) as picture:
      assert 100_000 <= metadata.size_bytes(picture, data) <= 101_000, name


def test_directories_that_point_at_each_other_end():
  entry = struct.pack("<HHLL", 0x8769, 4, 1, 8)
  data = b"II*\0" + struct.pack("<L", 8) + struct.pack("<H", 3) + 3 * entry + bytes(4)
  assert tag_directory.claimed_bytes(data) == 12
  for cut in range(len(data)):
    assert tag_directory.problem(data[:cut]) == ""
