import numpy as np
import pytest

from deblock.launch.evaluation import figures
from deblock.launch.pictures import side_by_side as picture_lib

ROW = figures.Row("a.png", 10, 26.0, 27.5, 0.75, 0.875, 25.0, 27.0)
GAP, CAPTION = picture_lib.GAP, picture_lib.CAPTION


def _three(height, width):
  """Returns a clean, a JPEG and a restored picture whose pixels tell them apart."""
  random = np.random.default_rng(0)
  clean = random.integers(100, 150, (height, width, 3), dtype=np.uint8)
  return clean, clean + np.uint8(20), clean + np.uint8(3)


def _column(index, width):
  return GAP + index * (width + GAP)


def _panel(sheet, index, height, width):
  left = _column(index, width)
  return sheet[GAP + CAPTION : GAP + CAPTION + height, left : left + width]


def _detail(sheet, index, height, width, side):
  """Returns the enlarged square below a panel."""
  top, left = 2 * GAP + CAPTION + height, _column(index, width)
  return sheet[top : top + side, left : left + side]


@pytest.mark.parametrize(("height", "width"), [(64, 256), (200, 300), (96, 320)])
def test_the_size_follows_from_the_image(height, width):
  sheet = picture_lib.side_by_side(*_three(height, width), ROW)
  enlarged = picture_lib.DETAIL * (width // picture_lib.DETAIL)
  assert sheet.dtype == np.uint8
  assert sheet.shape == (CAPTION + height + enlarged + 3 * GAP, 3 * width + 4 * GAP, 3)


@pytest.mark.parametrize(("height", "width"), [(11, 11), (24, 96), (96, 24), (256, 8)])
def test_small_and_narrow_images_are_drawn_too(height, width):
  sheet = picture_lib.side_by_side(*_three(height, width), ROW)
  assert sheet.shape[0] > height and sheet.shape[1] > 3 * width


def test_the_panels_show_the_given_pixels():
  height, width = 128, 256
  images = _three(height, width)
  images[2][64:128, 64:128] = images[0][64:128, 64:128]
  sheet = picture_lib.side_by_side(*images, ROW)
  untouched = np.ones((height, width), bool)
  untouched[62:, 62:130] = False  # The frame of the detail.
  untouched[66:126, 66:126] = True  # What lies within it.
  for index, image in enumerate(images):
    panel = _panel(sheet, index, height, width)
    np.testing.assert_array_equal(panel[untouched], image[untouched])
    assert (panel[~untouched] == picture_lib.MARK).all(axis=-1).any()


def test_the_detail_is_the_square_that_gained_most_enlarged_exactly():
  height, width, side = 128, 256, picture_lib.DETAIL
  clean, jpeg, restored = _three(height, width)
  restored[:] = jpeg
  restored[32:96, 96:160] = clean[32:96, 96:160]
  sheet = picture_lib.side_by_side(clean, jpeg, restored, ROW)
  factor = width // side
  for index, image in enumerate((clean, jpeg, restored)):
    expected = image[32:96, 96:160].repeat(factor, axis=0).repeat(factor, axis=1)
    shown = _detail(sheet, index, height, width, factor * side)
    np.testing.assert_array_equal(shown, expected)


def test_a_square_that_got_worse_is_not_chosen():
  height, width, side = 64, 256, picture_lib.DETAIL
  clean, jpeg, restored = _three(height, width)
  restored[:] = jpeg
  restored[:, :64] = jpeg[:, :64] + np.uint8(40)
  restored[:, 192:] = clean[:, 192:]
  sheet = picture_lib.side_by_side(clean, jpeg, restored, ROW)
  shown = _detail(sheet, 0, height, width, width // side * side)
  np.testing.assert_array_equal(shown[:: width // side, :: width // side], clean[:, 192:])


def test_figures_stand_above_their_columns():
  clean, jpeg, restored = _three(64, 256)
  one = picture_lib.side_by_side(clean, jpeg, restored, ROW)
  other_row = figures.Row("a.png", 10, 26.0, 29.25, 0.75, 0.875, 25.0, 27.0)
  other = picture_lib.side_by_side(clean, jpeg, restored, other_row)
  rows, columns, _ = np.nonzero(one != other)
  assert rows.max() < GAP + CAPTION
  assert columns.min() >= _column(2, 256)


def test_differences_are_added_below_what_is_shown_anyway():
  height, width = 64, 256
  clean, jpeg, restored = _three(height, width)
  jpeg[0, 0] = 255
  above = picture_lib.side_by_side(clean, jpeg, restored, ROW)
  sheet = picture_lib.with_differences(clean, jpeg, restored, ROW)
  np.testing.assert_array_equal(sheet[: len(above)], above)
  top = len(above) + CAPTION
  assert len(sheet) == top + height + GAP
  for index, levels in ((1, 8 * 20), (2, 8 * 3)):
    left = _column(index, width)
    shown = sheet[top : top + height, left : left + width]
    expected = np.full((height, width, 3), levels)
    expected[0, 0] = 255 if index == 1 else levels
    np.testing.assert_array_equal(shown, expected)
