import numpy as np
import pytest
from scipy import stats
import tensorflow as tf

from deblock.pipeline import crop, seeds

_IMAGE = np.random.default_rng(0).integers(0, 256, (45, 58, 3)).astype(np.uint8)


@pytest.mark.parametrize(("height", "width"), [(40, 56), (45, 58), (24, 63), (24, 24)])
def test_offsets_are_on_the_grid_and_leave_room_for_the_crop(height, width):
  offsets = crop.random_offsets(height, width, 24, 200, seeds.derive(1, 2)).numpy()
  assert offsets.shape == (200, 2)
  assert offsets.dtype == np.int32
  assert not (offsets % 8).any()
  assert offsets.min() >= 0
  assert (offsets + 24 <= (height, width)).all()


def test_no_place_is_preferred():
  offsets = crop.random_offsets(45, 58, 24, 3000, seeds.derive(0)).numpy()
  counts = np.zeros((3, 5), int)
  np.add.at(counts, tuple(offsets.T // 8), 1)
  assert stats.chisquare(counts.ravel()).pvalue > 1e-3


def test_rows_and_columns_are_drawn_independently():
  offsets = crop.random_offsets(64, 64, 24, 3000, seeds.derive(0)).numpy()
  counts = np.zeros((6, 6), int)
  np.add.at(counts, tuple(offsets.T // 8), 1)
  assert stats.chisquare(counts.ravel()).pvalue > 1e-3


def test_the_seed_decides_the_offsets():
  first, again, other = (
    crop.random_offsets(64, 64, 8, 20, seeds.derive(seed)).numpy() for seed in (1, 1, 2)
  )
  np.testing.assert_array_equal(first, again)
  assert (first != other).any()


def test_a_crop_larger_than_the_image_is_an_error_alone_and_inside_a_dataset():
  message = "crop_size is larger than a tile of the records"
  with pytest.raises(tf.errors.InvalidArgumentError, match=message):
    crop.random_offsets(23, 64, 24, 2, seeds.derive(0))
  sides = tf.data.Dataset.from_tensors((64, 16))
  offsets = sides.map(lambda height, width: crop.random_offsets(height, width, 24, 2, (0, 0)))
  with pytest.raises(tf.errors.InvalidArgumentError, match=message):
    next(iter(offsets))


def test_block_offsets_are_in_raster_order_and_whole():
  expected = [[row, column] for row in (0, 8) for column in (0, 8, 16)]
  assert crop.block_offsets(16, 24).numpy().tolist() == expected
  assert crop.block_offsets(23, 31).numpy().tolist() == expected
  assert crop.block_offsets(7, 24).shape == (0, 2)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("most_slices", [0, 100])
def test_cutting_is_slicing(dtype, most_slices, monkeypatch):
  monkeypatch.setattr(crop, "_MOST_SLICES", most_slices)
  image = _IMAGE.astype(dtype)
  offsets = np.array([[0, 0], [21, 34], [8, 16], [3, 5], [8, 16]], np.int32)
  squares = crop.cut(image, tf.constant(offsets), 24).numpy()
  assert squares.dtype == dtype
  for square, (row, column) in zip(squares, offsets, strict=True):
    np.testing.assert_array_equal(square, image[row : row + 24, column : column + 24])


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("long_row", [8, 100])
@pytest.mark.parametrize("most_slices", [0, 100])
def test_cutting_on_the_grid_is_slicing(dtype, most_slices, long_row, monkeypatch):
  monkeypatch.setattr(crop, "_MOST_SLICES", most_slices)
  monkeypatch.setattr(crop, "_LONG_ROW", long_row)
  image = _IMAGE.astype(dtype)
  # The image's 58 columns end within a block.
  offsets = np.array([[0, 0], [21, 32], [8, 16], [3, 8], [8, 16]], np.int32)
  squares = crop.cut(image, tf.constant(offsets), 24, on_grid=True).numpy()
  assert squares.dtype == dtype
  for square, (row, column) in zip(squares, offsets, strict=True):
    np.testing.assert_array_equal(square, image[row : row + 24, column : column + 24])


@pytest.mark.parametrize("most_slices", [1, 2])
def test_squares_apart_are_those_in_one_tensor(most_slices, monkeypatch):
  monkeypatch.setattr(crop, "_MOST_SLICES", most_slices)
  offsets = tf.constant([[21, 34], [8, 16]])
  apart = crop.cut_apart(_IMAGE, offsets, 24)
  assert isinstance(apart, list) == (most_slices == 2)
  np.testing.assert_array_equal(np.stack(apart), crop.cut(_IMAGE, offsets, 24))


def test_squares_that_are_no_whole_blocks_are_not_cut_on_the_grid():
  with pytest.raises(ValueError, match="size must be a multiple of 8 on the grid, got 20"):
    crop.cut(_IMAGE, tf.constant([[0, 0]]), 20, on_grid=True)


def test_a_dataset_cuts_the_same_squares_of_known_shape():
  png = tf.io.encode_png(_IMAGE)
  seed = seeds.derive(4)

  def cut(data):
    image = tf.io.decode_png(data, channels=3)
    height, width, _ = tf.unstack(tf.shape(image))
    return crop.cut(image, crop.random_offsets(height, width, 16, 9, seed), 16)

  dataset = tf.data.Dataset.from_tensors(png).map(cut)
  assert dataset.element_spec == tf.TensorSpec((9, 16, 16, 3), tf.uint8)
  offsets = crop.random_offsets(45, 58, 16, 9, seed).numpy()
  for square, (row, column) in zip(next(iter(dataset)).numpy(), offsets, strict=True):
    np.testing.assert_array_equal(square, _IMAGE[row : row + 16, column : column + 16])
