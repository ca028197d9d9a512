import numpy as np
import pytest

from deblock.records.planning import tiles


@pytest.mark.parametrize("height", [48, 49, 64, 95, 96, 97, 200])
@pytest.mark.parametrize("width", [48, 77, 144])
@pytest.mark.parametrize("stride", [0, 7, 32, 48])
def test_tiles_cover_every_pixel_and_stay_inside(height, width, stride):
  image = np.arange(height * width * 3).reshape(height, width, 3)
  seen = np.zeros((height, width), bool)
  offsets = tiles.tile_offsets(height, width, 48, stride)
  assert len(set(offsets)) == len(offsets)
  for row, column in offsets:
    tile = tiles.cut(image, (row, column), 48)
    assert tile.shape == (48, 48, 3)
    np.testing.assert_array_equal(tile, image[row : row + 48, column : column + 48])
    seen[row : row + 48, column : column + 48] = True
  assert seen.all()


def test_a_stride_leads_to_its_multiples_and_the_far_edge():
  assert [column for _, column in tiles.tile_offsets(48, 130, 48, 32)] == [0, 32, 64, 82]
  assert [column for _, column in tiles.tile_offsets(48, 112, 48, 32)] == [0, 32, 64]


def test_the_smallest_stride_takes_every_place():
  places = tuple((row, column) for row in range(2) for column in range(3))
  assert tiles.tile_offsets(49, 50, 48, 1) == places


def test_a_stride_beyond_the_tile_leaves_gaps_and_makes_no_tile_for_them():
  assert [column for _, column in tiles.tile_offsets(48, 300, 48, 100)] == [0, 100, 200]


def test_detail_is_the_mean_step_between_neighbours():
  flat = np.full((16, 16, 3), 77, np.uint8)
  assert tiles.detail(flat) == 0.0
  ramp = np.tile(np.arange(0, 64, 4, dtype=np.uint8)[:, np.newaxis, np.newaxis], (1, 16, 3))
  assert tiles.detail(ramp) == 2.0  # Steps of 4 downwards, of 0 sideways.
  assert tiles.detail(255 - ramp) == 2.0  # Unsigned differences would wrap round.
  assert tiles.detail(flat[:1, :1]) == 0.0


def test_offsets_are_even_and_flush_with_the_far_edge():
  assert tiles.tile_offsets(48, 130, 48) == ((0, 0), (0, 41), (0, 82))
  assert tiles.tile_offsets(96, 48, 48) == ((0, 0), (48, 0))


def test_no_tile_is_more_than_needed():
  assert len(tiles.tile_offsets(512, 768, 256)) == 6
  assert len(tiles.tile_offsets(513, 768, 256)) == 9


def test_zero_keeps_the_image_whole():
  image = np.zeros((5, 7, 3), np.uint8)
  (corner,) = tiles.tile_offsets(5, 7, 0)
  assert tiles.cut(image, corner, 0) is image


def test_an_image_smaller_than_a_tile_is_named():
  message = "is 200x150 pixels, smaller than one 256x256 tile; use a smaller --tile_size"
  with pytest.raises(ValueError, match=message):
    tiles.tile_offsets(150, 200, 256)


@pytest.mark.parametrize("tile_size", [60, 8, -16])
def test_other_tile_sizes_are_refused(tile_size):
  message = f"tile_size must be a multiple of 16, .* got {tile_size}"
  with pytest.raises(ValueError, match=message):
    tiles.check_tile_size(tile_size)
