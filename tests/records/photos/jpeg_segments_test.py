import io
import pathlib
import struct

import numpy as np
from PIL import Image
import pytest

from deblock.records.photos import jpeg_segments, original

_CASES = pathlib.Path(__file__).parents[2] / "cases"


def _jpeg(pixels, **options):
  buffer = io.BytesIO()
  Image.fromarray(pixels).save(buffer, "JPEG", quality=90, **options)
  return buffer.getvalue()


def _frames(data):
  """Returns what Pillow, which follows the index, finds: the pixels of each picture."""
  with Image.open(io.BytesIO(data)) as picture:
    assert picture.format == "MPO"
    found = []
    for number in range(picture.n_frames):
      picture.seek(number)
      found.append(np.asarray(picture))
  return found


def test_what_was_written_is_read_again(photograph):
  data = _jpeg(photograph(16, 24), exif=b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0", xmp=b"<x/>")
  assert jpeg_segments.read(data) == jpeg_segments.NO_EXTRAS
  extras = jpeg_segments.Extras(
    photoshop=b"8BIM" + bytes(70000),  # Takes two segments.
    comments=("first", "zweiter Vermerk, für Leute"),
    extended_xmp=(jpeg_segments.EXTENDED_XMP + b"x" * 65000,),
    trailer=b"a film",
  )
  made = jpeg_segments.write(data, extras)
  assert jpeg_segments.read(made) == extras
  before, after = (original.decode(file, "a") for file in (data, made))
  np.testing.assert_array_equal(before.samples, after.samples)
  assert (before.metadata.exif, before.metadata.xmp) == (after.metadata.exif, after.metadata.xmp)


@pytest.mark.parametrize("order", ["<", ">"])
def test_the_index_leads_to_the_pictures_behind_another_image(photograph, order):
  buffer = io.BytesIO()
  pictures = [Image.fromarray(photograph(16, 24, number)) for number in range(3)]
  pictures[0].save(buffer, "MPO", save_all=True, append_images=pictures[1:], quality=95)
  data = buffer.getvalue()
  if order == ">":
    data = data.replace(b"MPF\0II*\0\x08\0\0\0", b"MPF\0MM\0*\0\0\0\x08")
    data = _other_order(data)
  expected = _frames(data)
  other = photograph(32, 40, 5)
  made = jpeg_segments.write(_jpeg(other, comment=b"longer"), jpeg_segments.read(data))
  found = _frames(made)
  assert found[0].shape == other.shape
  for before, after in zip(expected[1:], found[1:], strict=True):
    np.testing.assert_array_equal(before, after)


def _other_order(data):
  """Returns a file of Pillow's whose MPF directory has its numbers the other way round."""
  base = data.index(b"MPF\0") + 4
  changed = bytearray(data)
  (count,) = struct.unpack_from("<H", data, base + 8)
  struct.pack_into(">H", changed, base + 8, count)
  for place in range(base + 10, base + 10 + 12 * count, 12):
    tag, kind, length, value = struct.unpack_from("<HHLL", data, place)
    struct.pack_into(">HHLL", changed, place, tag, kind, length, value)
    if kind == 7 and length <= 4:
      changed[place + 8 : place + 12] = data[place + 8 : place + 12]
    if tag == 0xB002:
      for entry in range(base + value, base + value + length, 16):
        struct.pack_into(">LLLHH", changed, entry, *struct.unpack_from("<LLLHH", data, entry))
  return bytes(changed)


@pytest.mark.parametrize("orientation", [1, 6])
def test_without_metadata_the_image_is_the_same(photograph, orientation):
  exif = Image.Exif()
  exif[271], exif[274] = "Maker", orientation
  data = _jpeg(photograph(16, 24), exif=exif, xmp=b"<x/>", comment=b"secret", icc_profile=b"x" * 99)
  made = jpeg_segments.stripped(data + b"behind", orientation)
  assert b"Maker" not in made and b"secret" not in made and b"behind" not in made
  found = original.decode(made, "a")
  np.testing.assert_array_equal(found.samples, original.decode(data, "a").samples)
  assert found.orientation == orientation and found.metadata.icc == found.metadata.xmp == b""
  assert made.index(b"JFIF") == 6


def test_adobes_marker_belongs_to_the_image(mutants):
  for name in ("adobe.jpg", "cmyk.jpg"):
    data = mutants.seeds()[name]
    made = original.decode(jpeg_segments.stripped(data, 1), "a")
    np.testing.assert_array_equal(made.samples, original.decode(data, "a").samples)


def test_segments_of_other_programs_are_named(photograph):
  data = _jpeg(photograph(8, 8))
  other = b"\xff\xeb\0\x08JP\0\0\0\0"
  assert jpeg_segments.read(data[:2] + other + data[2:]).others == ("APP11",)


@pytest.mark.parametrize("damage", [b"", b"II", b"XX*\0" + bytes(90), b"II*\0\xff\xff\xff\xff"])
def test_a_damaged_index_is_dropped(photograph, damage):
  segment = b"\xff\xe2" + struct.pack(">H", 6 + len(damage)) + b"MPF\0" + damage
  data = _jpeg(photograph(8, 8))
  assert jpeg_segments.read(data[:2] + segment + data[2:]).mpf == b""


def test_a_gain_map_is_found():
  extras = jpeg_segments.read((_CASES / "m_ultrahdr.jpg").read_bytes())
  assert extras.trailer.startswith(b"\xff\xd8") and extras.mpf.startswith(b"MPF\0")
