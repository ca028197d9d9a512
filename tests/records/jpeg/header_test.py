import io

import numpy as np
from PIL import Image
import pytest

from deblock.records.jpeg import header as jpeg_header
from deblock.records.jpeg import tables as jpeg_tables

_PIXELS = np.random.default_rng(0).integers(0, 256, (40, 56, 3)).astype(np.uint8)


def _data(mode="RGB", **options):
  buffer = io.BytesIO()
  Image.fromarray(_PIXELS).convert(mode).save(buffer, "JPEG", **options)
  return buffer.getvalue()


def _header(data):
  with Image.open(io.BytesIO(data)) as picture:
    return jpeg_header.header(picture)


@pytest.mark.parametrize("quality", [1, 10, 35, 75, 100])
def test_the_tables_are_those_of_the_quality_in_natural_order(quality):
  np.testing.assert_array_equal(
    _header(_data(quality=quality)).tables, jpeg_tables.quantization_tables(quality)
  )


@pytest.mark.parametrize("quality", [10, 60, 95])
def test_a_gray_file_gets_the_chroma_steps_of_its_quality(quality):
  header = _header(_data("L", quality=quality))
  np.testing.assert_array_equal(header.tables, jpeg_tables.quantization_tables(quality))
  assert str(header) == "gray"


def test_one_table_serves_luma_and_chroma():
  table = list(range(1, 65))
  tables = _header(_data(qtables=[table])).tables
  np.testing.assert_array_equal(tables, [np.reshape(table, (8, 8))] * 2)


def test_steps_of_16_bits_end_at_255():
  # Written by hand, as encoders warn of such tables on standard error.
  data = _data(quality=50)
  start = data.index(b"\xff\xdb")
  wide = b"\xff\xdb" + (131).to_bytes(2, "big") + b"\x10" + b"\x01\xf4" * 64
  with Image.open(io.BytesIO(data[:start] + wide + data[start + 69 :])) as picture:
    assert max(picture.quantization[0]) == 500
    tables = jpeg_header.header(picture).tables
  assert (tables[0] == 255).all()
  np.testing.assert_array_equal(tables[1], jpeg_tables.quantization_tables(50)[1])


def test_a_step_of_0_is_refused():
  data = bytearray(_data())
  data[data.index(b"\xff\xdb") + 5 + 10] = 0
  with pytest.raises(ValueError, match="quantisation table has a step of 0"):
    _header(bytes(data))


def test_without_tables_in_the_header_there_are_none():
  data = _data()
  start = data.index(b"\xff\xdb")
  assert _header(data[:start] + data[start + 69 :]).tables is None


@pytest.mark.parametrize(
  ("mode", "options", "words"),
  [
    ("RGB", {"subsampling": "4:4:4"}, "YCbCr 4:4:4"),
    ("RGB", {"subsampling": "4:2:2"}, "YCbCr 4:2:2"),
    ("RGB", {"subsampling": "4:2:0", "progressive": True}, "YCbCr 4:2:0, progressive"),
    ("RGB", {"keep_rgb": True}, "RGB 4:4:4"),
    ("L", {"progressive": True}, "gray, progressive"),
    ("CMYK", {}, "CMYK 4:4:4"),
  ],
)
def test_colours_and_sampling_are_told(mode, options, words):
  assert str(_header(_data(mode, **options))) == words
