import io

import numpy as np
from PIL import Image
import pytest

from deblock.records.photos import original, tiff_exif

_EXPOSURE, _LENS, _NORTH, _LATITUDE = 33434, 0xA434, 1, 2


def _tags(exposure=True, place=True):
  tags = Image.Exif()
  tags[271] = "Maker"
  if exposure:
    tags.get_ifd(0x8769).update({_EXPOSURE: 0.5, _LENS: "a lens with a long name"})
  if place:
    tags.get_ifd(0x8825).update({_NORTH: "N", _LATITUDE: (52.0, 31.0, 12.5)})
  # As a photograph's are: from bytes.
  read = Image.Exif()
  read.load(tags.tobytes())
  return read


@pytest.mark.parametrize(("exposure", "place"), [(True, True), (True, False), (False, True)])
def test_every_directory_is_written_and_read_again(photograph, exposure, place):
  pixels = photograph(40, 57)
  data = tiff_exif.save(Image.fromarray(pixels), _tags(exposure, place), dpi=(300.0, 150.0))
  with Image.open(io.BytesIO(data)) as made:
    np.testing.assert_array_equal(np.asarray(made), pixels)
    assert made.info["compression"] == "tiff_adobe_deflate" and made.info["dpi"] == (300, 150)
    exif = made.getexif()
    assert exif[271] == "Maker"
    detail, where = exif.get_ifd(0x8769), exif.get_ifd(0x8825)
  assert detail.get(_EXPOSURE) == (0.5 if exposure else None)
  assert detail.get(_LENS) == ("a lens with a long name" if exposure else None)
  assert where.get(_LATITUDE) == ((52.0, 31.0, 12.5) if place else None)


def test_a_photographs_exif_survives_a_tiff_file_twice(photograph):
  exif = _tags().tobytes()
  for _ in range(2):
    tags = Image.Exif()
    tags.load(original.descriptive(exif))
    data = tiff_exif.save(Image.fromarray(photograph(8, 8)), tags)
    exif = original.decode(data, "a").metadata.exif
  found = Image.Exif()
  found.load(exif)
  assert found.get_ifd(0x8769)[_EXPOSURE] == 0.5 and found.get_ifd(0x8825)[_NORTH] == "N"


def test_without_tags_there_are_none(photograph):
  data = tiff_exif.save(Image.fromarray(photograph(8, 8)), Image.Exif())
  with Image.open(io.BytesIO(data)) as made:
    assert 271 not in made.getexif() and 0x8769 not in made.getexif()
