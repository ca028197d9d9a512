import io

import numpy as np
from PIL import Image, ImageCms
import pytest

from deblock.records.photos import metadata, original

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
