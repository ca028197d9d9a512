import numpy as np
import pytest

from deblock.launch.pictures import grid
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
def test_each_row_shows_the_jpeg_the_clean_crop_and_their_difference(side, factor, monkeypatch):
  rows = []
  monkeypatch.setattr(grid, "grid", lambda made: rows.extend(made) or np.zeros((3, 4, 3)))
  crops, compressed, clean = _crops(1, side)
  crop_sheet.crop_sheet(crops)
  for row, one, other in zip(rows, compressed, clean, strict=True):
    assert [cell.caption for cell in row] == ["JPEG, quality 30", "clean", "difference x8"]
    images = (one, other, crop_sheet.difference(one, other))
    for cell, image in zip(row, images, strict=True):
      np.testing.assert_array_equal(cell.pixels, image.repeat(factor, 0).repeat(factor, 1))


def test_the_sheet_is_about_4_to_3_and_holds_every_crop():
  for count, least, most in ((18, 1.2, 1.5), (8, 1.2, 1.5), (40, 1.0, 1.7)):
    height, width = crop_sheet.crop_sheet(_crops(count, 48)[0]).shape[:2]
    assert least < width / height < most


def test_the_sheet_looks_as_it_did(golden):
  golden("crops", crop_sheet.crop_sheet(_crops(2, 16)[0]))
