import io

import numpy as np
from PIL import Image
import pytest

from deblock.records.jpeg import tables as jpeg_tables

_NOISE = np.random.default_rng(0).integers(0, 256, (16, 16, 3)).astype(np.uint8)


def _zigzag():
  """Returns the natural index of each place of the zig-zag scan, from its definition."""
  cells = [(row, column) for row in range(8) for column in range(8)]

  def place(cell):
    row, column = cell
    return row + column, row if (row + column) % 2 else column

  return [row * 8 + column for row, column in sorted(cells, key=place)]


def _tables_in_file(quality):
  """Reads the tables from the bytes of the stream: marker FFDB, then 64 steps in zig-zag order."""
  buffer = io.BytesIO()
  Image.fromarray(_NOISE).save(buffer, "JPEG", quality=quality)
  data = buffer.getvalue()
  tables = {}
  at = 2
  while data[at + 1] != 0xDA:
    length = int.from_bytes(data[at + 2 : at + 4], "big")
    if data[at + 1] == 0xDB:
      body = data[at + 4 : at + 2 + length]
      for start in range(0, len(body), 65):
        steps = np.zeros(64, np.int32)
        steps[_zigzag()] = list(body[start + 1 : start + 65])
        tables[body[start]] = steps.reshape(8, 8)
    at += 2 + length
  return np.stack([tables[0], tables[1]])


@pytest.mark.parametrize("quality", range(1, 101))
def test_the_tables_are_those_that_an_encoder_writes(quality):
  np.testing.assert_array_equal(jpeg_tables.quantization_tables(quality), _tables_in_file(quality))


def test_the_first_luma_row_of_quality_10():
  tables = jpeg_tables.quantization_tables(10)
  assert tables.dtype == np.int32
  assert tables.shape == (2, 8, 8)
  assert tables[0, 0].tolist() == [80, 55, 50, 80, 120, 200, 255, 255]
  assert tables[1, 0].tolist() == [85, 90, 120, 235, 255, 255, 255, 255]


def test_quality_100_loses_only_to_rounding():
  assert (jpeg_tables.quantization_tables(100) == 1).all()


def test_the_table_of_all_is_indexed_by_quality():
  tables = jpeg_tables.all_quantization_tables()
  assert tables.dtype == np.float32
  assert tables.shape == (101, 2, 8, 8)
  assert not tables[0].any()
  for quality in (1, 49, 50, 100):
    np.testing.assert_array_equal(tables[quality], jpeg_tables.quantization_tables(quality))


@pytest.mark.parametrize("quality", [0, 101, -5, 2.5, "10", None, True])
def test_no_other_quality_is_taken(quality):
  with pytest.raises(ValueError, match=r"quality must be an integer in \[1, 100\], got"):
    jpeg_tables.check_quality(quality)


def test_integers_of_numpy_are_qualities():
  assert jpeg_tables.check_quality(np.int64(7)) == 7
