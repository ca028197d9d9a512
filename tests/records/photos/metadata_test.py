import io
import pathlib

import numpy as np
from PIL import Image, ImageCms, PngImagePlugin
import pytest

from deblock.records.photos import metadata, original

_CASES = pathlib.Path(__file__).parents[2] / "cases"
_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def _data(picture, kind, **options):
  buffer = io.BytesIO()
  picture.save(buffer, kind, **options)
  return buffer.getvalue()


def _exif(orientation=None):
  exif = Image.Exif()
  exif[271] = "Maker"
  exif.get_ifd(0x8769)[33434] = 0.5  # ExposureTime
  if orientation is not None:
    exif[274] = orientation
  return exif


def _tags(exif):
  tags = Image.Exif()
  tags.load(exif)
  return tags


@pytest.fixture
def picture(photograph):
  return Image.fromarray(photograph(24, 40))


def test_metadata_are_read(picture):
  exif = _exif().tobytes()
  data = _data(picture, "JPEG", exif=exif, icc_profile=_SRGB, xmp=b"<x/>", dpi=(300, 300))
  assert original.decode(data, "a").metadata == metadata.Metadata(exif, _SRGB, b"<x/>", (300, 300))


def test_a_resolution_turns_with_the_pixels(picture):
  for orientation, dpi in ((3, (300, 150)), (6, (150, 300))):
    data = _data(picture, "JPEG", exif=_exif(orientation), dpi=(300, 150))
    assert original.decode(data, "a").metadata.dpi == dpi


def test_a_tiff_files_own_layout_is_no_metadata(picture):
  tags = _tags(original.decode(_data(picture, "TIFF", exif=_exif().tobytes()), "a").metadata.exif)
  assert set(tags) == {271, 0x8769}


def test_damaged_exif_is_left_out_and_noted(picture):
  data = _data(picture, "PNG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\0")
  found = original.decode(data, "a")
  assert found.metadata.exif == b""
  np.testing.assert_array_equal(found.samples, np.asarray(picture))


@pytest.mark.parametrize("orientation", [1, 6])
def test_of_a_cameras_exif_the_orientation_alone_changes(orientation):
  data = (_CASES / "e_camera_o1_II.jpg").read_bytes()
  exif = data[6:1418]
  entry = b"\x12\x01\x03\0\x01\0\0\0"
  assert exif.startswith(b"Exif") and exif.count(entry + b"\1\0") == 1
  turned = data.replace(entry + b"\1\0", entry + bytes((orientation, 0)))
  found = original.decode(turned, "a")
  assert found.orientation == orientation
  # The maker's note, whose offsets count from the beginning, and the thumbnail stay in place.
  assert found.metadata.exif == exif
  assert metadata.has_thumbnail(exif) and metadata.has_maker_note(exif)
  assert not metadata.has_thumbnail(_exif().tobytes())
  assert not metadata.has_maker_note(_exif().tobytes())


def test_exif_outweighs_xmp_and_both_end_upright():
  found = original.decode((_CASES / "exif1_xmp6.jpg").read_bytes(), "a")
  assert found.orientation == 1
  assert b"<tiff:Orientation>1</tiff:Orientation>" in found.metadata.xmp
  assert _tags(found.metadata.exif)[274] == 1


def test_xmp_alone_turns_the_pixels(picture):
  xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><r tiff:Orientation="6"/></x:xmpmeta>'
  found = original.decode(_data(picture, "JPEG", xmp=xmp), "a")
  assert found.orientation == 6 and found.metadata.exif == b""
  assert found.metadata.xmp == xmp.replace(b'"6"', b'"1"')


def test_a_gain_map_is_left_out_where_pixels_are_turned():
  data = (_CASES / "m_ultrahdr.jpg").read_bytes()
  exif = _exif(6).tobytes()
  turned = b"".join((data[:2], b"\xff\xe1", (len(exif) + 2).to_bytes(2, "big"), exif, data[2:]))
  found = original.decode(turned, "a")
  assert found.notes == ("gain map left out, as the pixels are turned",)
  assert not found.metadata.jpeg.trailer and b"hdrgm:Version" not in found.metadata.xmp


def test_texts_and_comments_are_read(picture):
  info = PngImagePlugin.PngInfo()
  info.add_text("Title", "a title")
  info.add_itxt("Author", "Žofie")
  data = _data(picture, "PNG", pnginfo=info)
  assert original.decode(data, "a").metadata.comments == (("Title", "a title"), ("Author", "Žofie"))
  data = _data(picture, "JPEG", comment=b"made by hand")
  assert original.decode(data, "a").metadata.comments == (("Comment", "made by hand"),)
  data = _data(picture.quantize(4), "GIF", comment="größer".encode("latin-1"))
  assert original.decode(data, "a").metadata.comments == (("Comment", "größer"),)
