import numpy as np

from deblock.launch.pictures import contact_sheet
from deblock.records.jpeg import codec
from deblock.records.layout import triple

CELL, GAP, CAPTION = contact_sheet.CELL, contact_sheet.GAP, contact_sheet.CAPTION


def _tile(pixels, qualities):
  streams = tuple(codec.encode(pixels, quality) for quality in qualities)
  return triple.PatchTriple(pixels, streams, tuple(qualities), "image.png/0/0")


def _cell(sheet, row, column, height, width):
  top = GAP + row * (CELL + CAPTION + GAP) + CAPTION
  left = GAP + column * (CELL + GAP)
  return sheet[top : top + height, left : left + width]


def test_each_tile_stands_beside_its_jpegs(photograph):
  tiles = [("train", _tile(photograph(64, 80, n), (10, 40))) for n in range(2)]
  sheet = contact_sheet.contact_sheet(tiles)
  assert sheet.shape == (GAP + 2 * (CELL + CAPTION + GAP), GAP + 3 * (CELL + GAP), 3)
  for row, (_, tile) in enumerate(tiles):
    np.testing.assert_array_equal(_cell(sheet, row, 0, 64, 80), tile.clean)
    for column, stream in enumerate(tile.compressed, start=1):
      np.testing.assert_array_equal(_cell(sheet, row, column, 64, 80), codec.decode(stream))


def test_of_a_large_tile_the_middle_is_shown_unscaled(photograph):
  pixels = photograph(CELL + 20, CELL + 40)
  sheet = contact_sheet.contact_sheet([("test", _tile(pixels, (20,)))])
  np.testing.assert_array_equal(_cell(sheet, 0, 0, CELL, CELL), pixels[10:-10, 20:-20])


def test_of_many_qualities_the_extremes_are_among_those_shown(photograph):
  qualities = tuple(range(5, 96, 5))
  tile = _tile(photograph(48, 48), qualities)
  sheet = contact_sheet.contact_sheet([("train", tile)])
  columns = 1 + contact_sheet.MOST_QUALITIES
  assert sheet.shape[1] == GAP + columns * (CELL + GAP)
  for column, index in ((1, 0), (columns - 1, -1)):
    expected = codec.decode(tile.compressed[index])
    np.testing.assert_array_equal(_cell(sheet, 0, column, 48, 48), expected)


def test_a_long_key_stays_inside_its_cell(photograph):
  tile = _tile(photograph(48, 48), (20,))
  long = triple.PatchTriple(tile.clean, tile.compressed, tile.qualities, 40 * "folder/" + "/0/0")
  first, second = (contact_sheet.contact_sheet([("train", value)]) for value in (tile, long))
  captions = [sheet[GAP : GAP + CAPTION, GAP + CELL :] for sheet in (first, second)]
  np.testing.assert_array_equal(*captions)
