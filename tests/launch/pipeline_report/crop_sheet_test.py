import numpy as np
import pytest

from deblock.launch.pipeline_report import crop_sheet
from deblock.pipeline import batch as batch_lib


def _crops(count, side):
  rng = np.random.default_rng(0)
  clean = rng.integers(0, 256, (count, side, side, 3))
  compressed = np.clip(clean + rng.integers(-9, 10, clean.shape), 0, 255)
  return (
    batch_lib.Batch(
      (compressed / 255).astype(np.float32),
      (clean / 255).astype(np.float32),
      np.full(count, 30, np.int32),
      np.ones((count, 2, 8, 8), np.float32),
    ),
    compressed.astype(np.uint8),
    clean.astype(np.uint8),
  )


def test_the_difference_is_enlarged_round_gray_and_clipped():
  compressed, clean = np.array([10, 12, 0, 255], np.uint8), np.array([12, 10, 255, 0], np.uint8)
  made = crop_sheet.difference(compressed, clean)
  assert made.dtype == np.uint8
  assert made.tolist() == [112, 144, 0, 255]


@pytest.mark.parametrize(("side", "factor"), [(24, 6), (96, 2), (160, 1)])
def test_each_row_shows_the_jpeg_the_clean_crop_and_their_difference(side, factor):
  crops, compressed, clean = _crops(2, side)
  sheet = crop_sheet.crop_sheet(crops)
  cell = side * factor
  gap, caption = crop_sheet.GAP, crop_sheet.CAPTION
  assert sheet.shape == (gap + 2 * (caption + cell + gap), gap + 3 * (cell + gap), 3)
  assert sheet.dtype == np.uint8
  for row in range(2):
    difference = crop_sheet.difference(compressed[row], clean[row])
    for column, expected in enumerate((compressed[row], clean[row], difference)):
      y = gap + row * (caption + cell + gap) + caption
      x = gap + column * (cell + gap)
      shown = sheet[y : y + cell, x : x + cell]
      np.testing.assert_array_equal(shown, expected.repeat(factor, 0).repeat(factor, 1))


def test_captions_are_written_above_each_crop():
  sheet = crop_sheet.crop_sheet(_crops(1, 160)[0])
  caption = sheet[crop_sheet.GAP : crop_sheet.GAP + crop_sheet.CAPTION]
  thirds = [caption[:, start : start + 160] for start in (6, 172, 338)]
  assert all((third < 100).any() for third in thirds)
