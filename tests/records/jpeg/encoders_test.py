import io

import numpy as np
from PIL import Image
import pytest

from deblock.records.jpeg import encoders as jpeg_encoders
from deblock.records.jpeg import tables as jpeg_tables


def test_photoshops_levels_are_what_pillow_writes_into_a_stream():
  names = [name for name in jpeg_encoders.ENCODERS if name.startswith("photoshop_")]
  assert len(names) == 9
  for name in names:
    buffer = io.BytesIO()
    preset = name.removeprefix("photoshop_")
    Image.new("RGB", (8, 8)).save(buffer, "JPEG", qtables=preset)
    with Image.open(io.BytesIO(buffer.getvalue())) as picture:
      written = picture.quantization
    steps = np.reshape([written[0], written[1]], (2, 8, 8))
    for quality in (1, 50, 100):
      np.testing.assert_array_equal(jpeg_encoders.quantization_tables(name, quality), steps)


def test_the_levels_are_in_natural_order():
  """They are symmetric, as they would not be in the order of a stream."""
  for name in jpeg_encoders.ENCODERS:
    steps = jpeg_encoders.quantization_tables(name, 50)
    np.testing.assert_array_equal(steps, steps.swapaxes(1, 2))
  low = jpeg_encoders.quantization_tables("photoshop_web_low", 50)
  assert low[0, 0].tolist() == [20, 16, 25, 39, 50, 46, 62, 68]
  assert low[1, 0].tolist() == [21, 25, 32, 38, 54, 68, 68, 68]


def test_mozjpegs_tables_are_scaled_as_the_standards_are():
  half = jpeg_encoders.quantization_tables("mozjpeg", 75)
  assert half[0, 0].tolist() == half[1, 0].tolist() == [8, 8, 8, 9, 13, 19, 28, 43]
  assert half[0, 7].tolist() == [43, 38, 68, 78, 95, 119, 156, 209]
  # Baseline JPEG has no steps beyond 255; table 3 has, from the start.
  assert jpeg_encoders.quantization_tables("mozjpeg", 50)[0, 7, 7] == 255
  assert (jpeg_encoders.quantization_tables("mozjpeg_flat", 25) == 32).all()
  assert (jpeg_encoders.quantization_tables("mozjpeg_flat", 100) == 1).all()


def test_a_quality_is_nearest_to_itself():
  # Those of 1 and 2 are clamped alike but for a few steps; equal tables give the higher quality.
  for quality in (1, 2, 10, 37, 50, 90, 99, 100):
    assert jpeg_encoders.nearest_quality(jpeg_tables.quantization_tables(quality)) == quality


def test_the_nearest_quality_has_the_least_mean_factor():
  steps = jpeg_encoders.quantization_tables("photoshop_web_medium", 50)

  def factor(quality):
    return np.mean(np.abs(np.log2(jpeg_tables.quantization_tables(quality) / steps)))

  factors = [factor(quality) for quality in range(1, 101)]
  assert jpeg_encoders.nearest_quality(steps) == 1 + int(np.argmin(factors)) == 72


def test_the_tables_of_all_are_indexed_by_encoder_and_quality():
  tables = jpeg_encoders.all_quantization_tables()
  nearest = jpeg_encoders.all_nearest_qualities()
  count = len(jpeg_encoders.ENCODERS)
  assert (tables.dtype, tables.shape) == (np.uint8, (count, 101, 2, 8, 8))
  assert (nearest.dtype, nearest.shape) == (np.int32, (count, 101))
  assert not tables[:, 0].any()
  for index, encoder in enumerate(jpeg_encoders.ENCODERS):
    for quality in (1, 30, 100):
      steps = jpeg_encoders.quantization_tables(encoder, quality)
      np.testing.assert_array_equal(tables[index, quality], steps)
      assert nearest[index, quality] == jpeg_encoders.nearest_quality(steps)


def test_what_is_no_encoder_or_quality_is_refused():
  with pytest.raises(ValueError, match=r"encoder must be one of mozjpeg, .*, got 'gimp'"):
    jpeg_encoders.quantization_tables("gimp", 50)
  with pytest.raises(ValueError, match=r"quality must be an integer in \[1, 100\], got 0"):
    jpeg_encoders.quantization_tables("photoshop_low", 0)


@pytest.mark.parametrize("quality", [0, 101])
def test_no_other_quality_scales(quality):
  with pytest.raises(ValueError, match=r"quality must be an integer in \[1, 100\]"):
    jpeg_tables.scaled(np.ones((8, 8), np.int32), quality)
