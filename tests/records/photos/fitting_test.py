import pathlib

import pytest

from deblock.records.photos import metadata as metadata_lib
from deblock.records.photos import original, saving

_CASES = pathlib.Path(__file__).parents[2] / "cases"
_GAMMA_1, _P3 = (b"gAMA", b"\0\1\x86\xa0"), (b"cICP", bytes((12, 13, 0, 1)))


def _case(name):
  return original.decode((_CASES / name).read_bytes(), name)


def _again(found, format_name):
  """Returns what is found in a file of another format, and what is said of it."""
  data, notes = saving.encode(found.samples, None, found.metadata, format_name)
  return original.decode(data, "a").metadata, notes


def test_of_a_cameras_exif_tiff_says_what_it_changes():
  found = _case("e_camera_o1_II.jpg")
  for format_name in ("png", "jpg"):
    made, notes = _again(found, format_name)
    assert made.exif == found.metadata.exif and notes == ()
  assert _again(found, "webp")[0].exif == found.metadata.exif
  _, notes = _again(found, "tiff")
  assert notes == (
    "EXIF's thumbnail left out, as tiff has none",
    "EXIF's maker note moved, so that offsets in it can be wrong",
  )


def test_iptc_and_comments_are_kept_or_said_to_be_left_out():
  found = _case("m_iptc_com.jpg")
  jpg, notes = _again(found, "jpg")
  assert notes == () and jpg.jpeg.photoshop == found.metadata.jpeg.photoshop != b""
  assert jpg.comments == (("Comment", "Made by somebody"),)
  png, notes = _again(found, "png")
  assert png.comments == jpg.comments and notes == ("IPTC left out, as png has none",)
  _, notes = _again(found, "tiff")
  assert notes == ("comment left out, as tiff has none",)
  data, _ = saving.encode(found.samples, None, found.metadata, "tiff")
  assert found.metadata.jpeg.photoshop in data
  _, notes = _again(found, "webp")
  assert notes == ("comment left out, as webp has none", "IPTC left out, as webp has none")


def test_extended_xmp_is_kept_or_nothing_mentions_it():
  found = _case("m_xmp_extended.jpg")
  jpg, notes = _again(found, "jpg")
  assert notes == () and jpg.jpeg == found.metadata.jpeg and b"HasExtendedXMP" in jpg.xmp
  for format_name in ("png", "webp", "tiff"):
    made, notes = _again(found, format_name)
    assert notes == (f"extended XMP left out, as {format_name} has none",)
    assert b"HasExtendedXMP" not in made.xmp and made.xmp.startswith(b"<x:xmpmeta")


def test_a_gain_map_is_kept_or_nothing_mentions_it():
  found = _case("m_ultrahdr.jpg")
  jpg, notes = _again(found, "jpg")
  assert notes == () and jpg == found.metadata
  assert jpg.jpeg.trailer and b"hdrgm:Version" in jpg.xmp
  for format_name in ("png", "webp", "tiff"):
    made, notes = _again(found, format_name)
    assert notes == (f"gain map left out, as {format_name} has none",)
    assert b"hdrgm:Version" not in made.xmp and made.xmp.startswith(b"<x:xmpmeta")


def test_a_profile_for_gray_is_kept_with_gray_alone():
  found = _case("m_gray_icc.jpg")
  for format_name in ("png", "tiff", "jpg"):
    made, notes = _again(found, format_name)
    assert made.icc == found.metadata.icc != b"" and notes == ()
  made, notes = _again(found, "webp")
  assert made.icc == b""
  assert notes == ("colour profile left out, as it is for other colours than the result's",)


@pytest.mark.parametrize(("chunk", "name"), [(_GAMMA_1, "gAMA"), (_P3, "cICP")])
def test_what_a_png_says_of_colour_is_kept_or_said_to_be_left_out(photograph, chunk, name):
  metadata = metadata_lib.Metadata(colour=(chunk,))
  data, notes = saving.encode(photograph(8, 8), None, metadata, "png")
  assert original.decode(data, "a").metadata.colour == (chunk,) and notes == ()
  for format_name in ("webp", "tiff", "jpg"):
    _, notes = saving.encode(photograph(8, 8), None, metadata, format_name)
    assert notes == (f"the PNG's {name} left out, as {format_name} has none",)
  srgb = metadata_lib.Metadata(colour=((b"sRGB", b"\0"),))
  assert saving.encode(photograph(8, 8), None, srgb, "webp")[1] == ()
