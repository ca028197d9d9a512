"""When the JPEG of a crop is the crop of the JPEG, and when it is not.

Blocks are transformed one by one, so they commute on their own grid: gray images, luma and chroma
that is not subsampled on that of 8 pixels; chroma of 4:2:0 on that of 16, if the crop's side is a
multiple of 16 too. Of 4:2:0 the coefficients are then equal, and the pixels but for the crop's
outermost ones, whose chroma is smoothed with samples that the crop has lost.
"""

import numpy as np
import pytest

from deblock.pipeline import jpegsim
from deblock.records.jpeg import codec
from deblock.records.jpeg import tables as jpeg_tables

_QUALITY = 30


def _jpeg(image, subsampling="420"):
  return codec.decode(codec.encode(image, _QUALITY, subsampling))


def _coefficients(image, subsampling="420"):
  tables = jpeg_tables.quantization_tables(_QUALITY)[np.newaxis]
  return [
    plane.numpy()[0] for plane in jpegsim.coefficients(image[np.newaxis], tables, subsampling)
  ]


def _both_ways(image, row, column, side, subsampling="420"):
  """Returns the JPEG of a square of an image, and that square of the image's JPEG."""
  square = slice(row, row + side), slice(column, column + side)
  cropped_first = _jpeg(np.ascontiguousarray(image[square]), subsampling)
  return cropped_first, _jpeg(image, subsampling)[square]


@pytest.mark.parametrize(("row", "column"), [(0, 0), (8, 24), (16, 40)])
def test_gray_and_whole_chroma_commute_on_the_grid_of_8(photograph, row, column):
  image = photograph(48, 80)
  for cropped, subsampling in ((image[..., :1], "420"), (image, "444")):
    first, last = _both_ways(cropped, row, column, 24, subsampling)
    np.testing.assert_array_equal(first, last)


@pytest.mark.parametrize(("row", "column"), [(4, 8), (8, 1), (7, 7)])
def test_nothing_commutes_off_the_grid(photograph, row, column):
  first, last = _both_ways(photograph(48, 80)[..., :1], row, column, 24)
  assert (first != last).mean() > 0.5


@pytest.mark.parametrize("subsampling", ["420", "422", "444"])
def test_luma_commutes_on_the_grid_of_8_whatever_chroma_does(photograph, subsampling):
  image = photograph(48, 80)
  luma, *_ = _coefficients(image, subsampling)
  cropped, *_ = _coefficients(image[8:32, 24:48], subsampling)
  np.testing.assert_array_equal(cropped, luma[1:4, 3:6])


def test_halved_chroma_commutes_on_the_grid_of_16_and_not_on_that_of_8(photograph):
  image = photograph(64, 96)
  whole = _coefficients(image)
  on_grid, off_grid = _coefficients(image[16:48, 32:64]), _coefficients(image[8:40, 24:56])
  for plane in (1, 2):
    np.testing.assert_array_equal(on_grid[plane], whole[plane][1:3, 2:4])
    assert on_grid[plane].any()
    assert (off_grid[plane] != whole[plane][1:3, 2:4]).any()


def test_pixels_of_420_commute_on_the_grid_of_16_but_for_the_outermost(photograph):
  image = photograph(64, 96)
  first, last = _both_ways(image, 16, 32, 32)
  np.testing.assert_array_equal(first[1:-1, 1:-1], last[1:-1, 1:-1])
  assert (first != last).any()
  # What the crop has lost to the image's border, the image has not either.
  first, last = _both_ways(image, 0, 0, 32)
  np.testing.assert_array_equal(first[:-1, :-1], last[:-1, :-1])
  first, last = _both_ways(image, 8, 24, 32)
  assert (first[1:-1, 1:-1] != last[1:-1, 1:-1]).any()


def test_pixels_of_420_do_not_commute_where_a_crop_ends_within_a_chroma_block(photograph):
  first, last = _both_ways(photograph(64, 96), 16, 32, 24)
  np.testing.assert_array_equal(first[1:15, 1:15], last[1:15, 1:15])
  assert (first[17:-1, 17:-1] != last[17:-1, 17:-1]).any()
