import numpy as np
import pytest

from deblock.records import tiles


@pytest.mark.parametrize("height", [48, 49, 64, 95, 96, 97, 200])
@pytest.mark.parametrize("width", [48, 77, 144])
def test_tiles_cover_every_pixel_and_stay_inside(height, width):
  image = np.arange(height * width * 3).reshape(height, width, 3)
  seen = np.zeros((height, width), bool)
  for (row, column), tile in tiles.cut(image, 48):
    assert tile.shape == (48, 48, 3)
    np.testing.assert_array_equal(tile, image[row : row + 48, column : column + 48])
    seen[row : row + 48, column : column + 48] = True
  assert seen.all()


def test_offsets_are_even_and_flush_with_the_far_edge():
  assert tiles.tile_offsets(48, 130, 48) == ((0, 0), (0, 41), (0, 82))
  assert tiles.tile_offsets(96, 48, 48) == ((0, 0), (48, 0))


def test_no_tile_is_more_than_needed():
  assert len(tiles.tile_offsets(512, 768, 256)) == 6
  assert len(tiles.tile_offsets(513, 768, 256)) == 9


def test_zero_keeps_the_image_whole():
  image = np.zeros((5, 7, 3), np.uint8)
  ((corner, tile),) = tiles.cut(image, 0)
  assert corner == (0, 0)
  assert tile is image


def test_an_image_smaller_than_a_tile_is_named():
  message = "is 200x150 pixels, smaller than one 256x256 tile; use a smaller --tile_size"
  with pytest.raises(ValueError, match=message):
    tiles.tile_offsets(150, 200, 256)


@pytest.mark.parametrize("tile_size", [60, 8, -16])
def test_other_tile_sizes_are_refused(tile_size):
  message = f"tile_size must be a multiple of 16, .* got {tile_size}"
  with pytest.raises(ValueError, match=message):
    tiles.check_tile_size(tile_size)
