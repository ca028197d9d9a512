import dataclasses

import numpy as np
import pytest

from deblock.model import tiling
from deblock.model.networks import registry

_ENTRY = registry.get("blockcnn")
_KEEPING = dataclasses.replace(registry.get("deblocknet"), context=8)
_TABLES = np.arange(1, 129).reshape(2, 8, 8)
_SIZES = ((1, 1), (7, 9), (8, 24), (13, 40), (50, 17), (130, 11))


def _image(height, width):
  return np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)


def _identity(tiles, tables):
  return tiles[:, 8:-8, 8:-8]


@pytest.mark.parametrize("tile", [8, 16, 40, 256])
def test_the_tiles_are_put_back_where_they_were(tile):
  restore = tiling.Tiled(_identity, _ENTRY, tile)
  for height, width in _SIZES:
    image = _image(height, width)
    np.testing.assert_array_equal(restore(image), image)


@pytest.mark.parametrize(("border", "mode"), [("mirror", "symmetric"), ("zeros", "constant")])
@pytest.mark.parametrize("tile", [8, 24])
def test_a_network_sees_the_true_surroundings_and_the_border_beyond(border, mode, tile):
  """A network that shifts by (-3, 5) shows what stands around each tile."""

  def shift(tiles, tables):
    return tiles[:, 5 : 5 + tile, 13 : 13 + tile]

  entry = dataclasses.replace(_ENTRY, border=border)
  for height, width in ((16, 32), (40, 8), (21, 30)):
    image = _image(height, width)
    padded = np.pad(image, ((8, 8), (8, 8), (0, 0)), mode)
    expected = padded[5 : 5 + height, 13 : 13 + width]
    np.testing.assert_array_equal(tiling.Tiled(shift, entry, tile)(image), expected)


def test_blocks_beyond_the_border_are_the_blocks_turned_over():
  """So the block grid goes on: block -1 is block 0 mirrored."""

  def left_neighbour(tiles, tables):
    return tiles[:, 8:-8, :8]

  image = _image(8, 16)
  restored = tiling.Tiled(left_neighbour, _ENTRY)(image)
  np.testing.assert_array_equal(restored[:, :8], image[:, 7::-1])
  np.testing.assert_array_equal(restored[:, 8:], image[:, :8])


def test_the_output_is_clipped_and_rounded():
  values = np.array([-0.5, 0.4 / 255, 0.6 / 255, 254.4 / 255, 1.7], np.float32)

  def constant(value):
    return lambda tiles, tables: 0.0 * tiles[:, 8:-8, 8:-8] + value

  made = [tiling.Tiled(constant(value), _ENTRY)(_image(8, 8)) for value in values]
  assert [np.unique(image).tolist() for image in made] == [[0], [0], [1], [254], [255]]


def test_more_tiles_than_one_call_takes_are_restored(monkeypatch):
  monkeypatch.setattr(tiling, "PIXELS_PER_CALL", 3 * 64)
  seen = []

  def network(tiles, tables):
    seen.append(tiles.shape)
    return _identity(tiles, tables)

  image = _image(40, 32)
  np.testing.assert_array_equal(tiling.Tiled(network, _ENTRY)(image), image)
  assert seen == [(count, 24, 24, 3) for count in (3, 3, 3, 3, 3, 3, 2)]


def _shift_by(rows, columns):
  """Returns a network that keeps the size and sees black beyond what it is shown."""

  def network(images, tables):
    length = images.shape
    padded = np.pad(images, ((0, 0), (8, 8), (8, 8), (0, 0)))
    top, left = 8 + rows, 8 + columns
    return padded[:, top : top + length[1], left : left + length[2]]

  return network


@pytest.mark.parametrize("tile", [8, 24, 256])
@pytest.mark.parametrize("shift", [(-8, 8), (7, -3), (0, 0)])
def test_a_network_that_keeps_the_size_meets_the_border_of_the_image_alone(tile, shift):
  """At the border it sees what it makes up itself; at the edges of tiles what stands there."""
  rows, columns = shift
  restore = tiling.Tiled(_shift_by(rows, columns), _KEEPING, tile)
  for height, width in _SIZES:
    image = _image(height, width)
    padded = np.pad(image, ((8, 8), (8, 8), (0, 0)))
    expected = padded[8 + rows : 8 + rows + height, 8 + columns : 8 + columns + width]
    np.testing.assert_array_equal(restore(image, _TABLES), expected)


def test_every_tile_is_restored_by_the_tables_of_the_image():
  def network(images, tables):
    return 0.0 * images + np.reshape(tables[:, 1, 2, 3], (-1, 1, 1, 1)) / 255

  restore = tiling.Tiled(network, _KEEPING, 8)
  assert (restore(_image(20, 30), _TABLES) == _TABLES[1, 2, 3]).all()
  assert (restore(_image(20, 30), _TABLES + 1.0) == _TABLES[1, 2, 3] + 1).all()


def test_tables_that_are_missing_or_misshapen_are_refused():
  image = _image(8, 8)
  restore = tiling.Tiled(_shift_by(0, 0), _KEEPING)
  with pytest.raises(ValueError, match="deblocknet needs the JPEG's quantisation tables, got none"):
    restore(image)
  for tables in (_TABLES[0], np.ones((2, 64)), np.ones((3, 8, 8))):
    with pytest.raises(ValueError, match=r"tables must have shape \[2, 8, 8\], got \["):
      restore(image, tables)


@pytest.mark.parametrize(
  ("name", "tile"), [("blockcnn", 8), ("blockcnn_fc", 128), ("deblocknet", 768)]
)
def test_the_usual_tile_is_taken_where_none_is_named(name, tile, monkeypatch):
  entry = registry.get(name)
  assert tiling.usual_tile(entry) == tile
  monkeypatch.setattr(tiling, "usual_tile", {entry: tile + 4}.get)
  with pytest.raises(
    ValueError, match=f"tile must be a positive multiple of 8, .*, got {tile + 4}"
  ):
    tiling.Tiled(_identity, entry)


def test_tiles_of_large_images_are_no_larger_than_the_usual_one(monkeypatch):
  monkeypatch.setattr(tiling, "MANY_PIXELS", 40 * 48 - 1)
  monkeypatch.setattr(tiling, "TILE_WITH_CONTEXT", 16)
  for tile, expected in ((8, 30), (32, 9)):
    restore = tiling.Tiled(_shift_by(0, 0), _KEEPING, tile)
    assert len(list(restore.parts(_image(40, 48), _TABLES))) == expected
  assert len(list(restore.parts(_image(40, 40), _TABLES))) == 4


@pytest.mark.parametrize("tile", [0, -8, 12])
def test_other_tile_sizes_are_refused(tile):
  with pytest.raises(ValueError, match=f"tile must be a positive multiple of 8, .*, got {tile}"):
    tiling.Tiled(_identity, _ENTRY, tile)


@pytest.mark.parametrize(
  ("image", "message"),
  [
    (np.zeros((8, 8, 3), np.float32), r"must be uint8 \[H, W, 3\], got float32 \[8, 8, 3\]"),
    (np.zeros((8, 8), np.uint8), r"got uint8 \[8, 8\]"),
    (np.zeros((8, 8, 4), np.uint8), r"got uint8 \[8, 8, 4\]"),
    (np.zeros((1, 8, 8, 3), np.uint8), r"got uint8 \[1, 8, 8, 3\]"),
  ],
)
def test_arrays_that_are_no_images_are_refused(image, message):
  restore = tiling.Tiled(_identity, _ENTRY)
  with pytest.raises(ValueError, match=message):
    restore(image)


def test_the_parts_of_a_network_that_keeps_the_size_cover_the_image_once():
  """Each tile is seen with its context, and is neither clipped nor rounded."""
  seen = []

  def doubled(tiles, tables):
    seen.append(tiles.shape)
    return 2.0 * tiles

  entry = dataclasses.replace(_ENTRY, keeps_size=True, context=8)
  image = _image(40, 53)
  count = np.zeros(image.shape, int)
  for top, left, restored in tiling.Tiled(doubled, entry, 16).parts(image):
    place = slice(top, top + restored.shape[0]), slice(left, left + restored.shape[1])
    count[place] += 1
    assert restored.dtype == np.float32
    np.testing.assert_allclose(restored, image[place] / 127.5, rtol=1e-6)
  assert (count == 1).all()


def test_parts_refuse_what_is_no_image_before_any_work():
  with pytest.raises(ValueError, match=r"must be uint8 \[H, W, 3\]"):
    tiling.Tiled(_identity, _ENTRY).parts(np.zeros((8, 8), np.uint8))
