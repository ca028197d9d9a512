import numpy as np
import pytest

from deblock.launch.evaluation import figures
from deblock.launch.pictures import side_by_side

ROW = figures.Row("a.png", 10, 26.0, 27.5, 0.75, 0.875, 25.0, 27.0)


def _three(height, width):
  """Returns a clean, a JPEG and a restored picture whose pixels tell them apart."""
  random = np.random.default_rng(0)
  clean = random.integers(100, 150, (height, width, 3), dtype=np.uint8)
  return clean, clean + np.uint8(20), clean + np.uint8(3)


def test_the_picture_looks_as_it_did(picture, golden):
  clean = picture(48, 96)
  jpeg = np.clip(clean.astype(int) + np.arange(96)[:, None] // 6, 0, 255).astype(np.uint8)
  restored = np.clip(clean.astype(int) + 2, 0, 255).astype(np.uint8)
  golden("side_by_side", side_by_side.with_errors(clean, jpeg, restored, ROW))


@pytest.mark.parametrize(("height", "width"), [(11, 11), (24, 96), (96, 24), (256, 8)])
def test_small_and_narrow_images_are_drawn_too(height, width):
  sheet = side_by_side.side_by_side(*_three(height, width), ROW)
  assert sheet.dtype == np.uint8 and sheet.shape[0] > height and sheet.shape[1] > 3 * width


def test_gray_images_are_drawn_as_equal_channels():
  images = [image[..., :1] for image in _three(64, 64)]
  np.testing.assert_array_equal(
    side_by_side.with_errors(*images, ROW),
    side_by_side.with_errors(*(image.repeat(3, axis=2) for image in images), ROW),
  )


def test_the_detail_is_the_square_that_gained_most():
  clean, jpeg, restored = _three(128, 256)
  restored[:] = jpeg
  restored[32:96, 96:160] = clean[32:96, 96:160]
  assert side_by_side.most_improved(clean, jpeg, restored) == (32, 96, 64)
  assert side_by_side.most_improved(clean, jpeg, restored, 32)[2] == 32


def test_a_square_that_got_worse_is_not_chosen():
  clean, jpeg, restored = _three(64, 256)
  restored[:] = jpeg
  restored[:, :64] = jpeg[:, :64] + np.uint8(40)
  restored[:, 192:] = clean[:, 192:]
  assert side_by_side.most_improved(clean, jpeg, restored) == (0, 192, 64)


def test_errors_are_added_below_what_is_shown_anyway():
  clean, jpeg, restored = _three(64, 256)
  jpeg[0, 0] = 255
  above = side_by_side.side_by_side(clean, jpeg, restored, ROW)
  sheet = side_by_side.with_errors(clean, jpeg, restored, ROW)
  np.testing.assert_array_equal(sheet[: len(above)], above)
  for index, levels in ((1, 8 * 20), (2, 8 * 3)):
    left = 8 + index * (256 + 8)
    shown = sheet[-64 - 8 : -8, left : left + 256]
    expected = np.full((64, 256, 3), levels)
    expected[0, 0] = 255 if index == 1 else levels
    np.testing.assert_array_equal(shown, expected)


def test_the_square_that_changed_most_is_found_whether_it_became_better_or_worse():
  jpeg = np.zeros((200, 300, 3), np.uint8)
  restored = jpeg.copy()
  restored[130:150, 260:280] = 9
  top, left, side = side_by_side.most_changed(jpeg, restored)
  assert side == 64 and top <= 130 and top + 64 >= 150 and left <= 260 and left + 64 >= 280
