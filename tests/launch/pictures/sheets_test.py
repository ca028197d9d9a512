import numpy as np
import pytest

from deblock.launch.evaluation import figures, methods
from deblock.launch.pictures import grid, sheets
from deblock.records.jpeg import codec
from deblock.records.layout import triple


def _tile(pixels, qualities):
  streams = tuple(codec.encode(pixels, quality) for quality in qualities)
  return triple.PatchTriple(pixels, streams, tuple(qualities), "image.png/0/0")


@pytest.fixture
def rows(monkeypatch):
  """The rows of the grid that was asked for, when a sheet has been made."""
  asked = []
  monkeypatch.setattr(grid, "grid", lambda rows, **_: asked.extend(rows))
  return asked


def _trials(clean, name="a.png"):
  """Returns the results of two methods for an image; the first one mends one place."""
  mended = np.s_[96:192, 48:144]

  def mend(jpeg, tables):
    made = jpeg.copy()
    made[mended] = clean[mended]
    return made

  pair = [methods.Method("mend", mend), methods.Method("same", lambda jpeg, tables: jpeg)]
  return list(figures.trials(pair, name, clean, 10))


def test_the_sheet_of_tiles_looks_as_it_did(picture, golden):
  tiles = [("train", _tile(picture(24, 40, n), (10, 40))) for n in range(2)]
  golden("tiles", sheets.tiles(tiles))


def test_each_tile_stands_beside_its_jpegs(picture, rows):
  tile = _tile(picture(16, 24), (10, 40))
  sheets.tiles([("train", tile), ("test", tile)])
  heads, first, second = rows
  assert [cell.caption for cell in heads] == ["clean: split and key", *2 * ["JPEG: PSNR / SSIM"]]
  pairs = [figures.figures(codec.decode(data), tile.clean) for data in tile.compressed]
  captions = [
    f"quality {quality}, {len(data)} bytes\n{found.psnr:.2f} dB / {found.ssim:.4f}"
    for quality, data, found in zip(tile.qualities, tile.compressed, pairs, strict=True)
  ]
  assert [cell.caption for cell in first] == ["train image.png/0/0", *captions]
  assert second[0].caption == "test image.png/0/0"
  np.testing.assert_array_equal(first[0].pixels, tile.clean)
  for cell, stream in zip(first[1:], tile.compressed, strict=True):
    np.testing.assert_array_equal(cell.pixels, codec.decode(stream))


def test_of_a_large_tile_the_middle_is_shown_unscaled(photograph, rows):
  pixels = photograph(192 + 20, 192 + 40)
  sheets.tiles([("test", _tile(pixels, (20,)))])
  np.testing.assert_array_equal(rows[1][0].pixels, pixels[10:-10, 20:-20])


def test_of_many_qualities_six_are_shown_the_extremes_among_them(picture, rows):
  sheets.tiles([("train", _tile(picture(16, 16), tuple(range(5, 96, 5))))])
  shown = [int(cell.caption.split(",")[0].removeprefix("quality ")) for cell in rows[1][1:]]
  assert len(shown) == 6 and shown == sorted(shown) and (shown[0], shown[-1]) == (5, 95)


def test_a_row_for_papers_shows_the_same_detail_of_every_method_enlarged(picture):
  clean = picture(200, 300)
  trials = _trials(clean)
  whole, *cells = sheets.details(trials)
  images = (clean, trials[0].jpeg, trials[0].restored, trials[1].restored)
  for cell, image in zip(cells, images, strict=True):
    expected = image[96:192, 48:144].repeat(2, axis=0).repeat(2, axis=1)
    np.testing.assert_array_equal(cell.pixels, expected)
  mend, same = (trial.row for trial in trials)
  assert [cell.caption for cell in cells] == [
    "a.png",
    f"JPEG, quality 10\n{mend.psnr_jpeg:.2f} dB / {mend.ssim_jpeg:.4f}",
    f"mend\n{mend.psnr:.2f} dB / {mend.ssim:.4f}",
    f"same\n{same.psnr:.2f} dB / {same.ssim:.4f}",
  ]
  assert whole.pixels.shape == (192, 288, 3)
  rows, columns = np.nonzero((whole.pixels == grid.MARK).all(axis=-1))
  assert abs(rows.min() - 0.96 * 96) <= 2 and abs(columns.min() - 0.96 * 48) <= 2


def test_the_sheet_for_papers_looks_as_it_did(golden):
  steps = (np.arange(120 * 160 * 3).reshape(120, 160, 3) // 960 % 32 * 8).astype(np.uint8)
  pair = [
    methods.Method("/a/very/long/way/to/the/folder/of/a/run", lambda jpeg, tables: jpeg),
    methods.Method("darker", lambda jpeg, tables: jpeg // 2),
  ]
  images = {"n" * 200: steps[:16, :20], "b.png": steps}
  rows = [list(figures.trials(pair, name, image, 10)) for name, image in images.items()]
  golden("paper", sheets.paper([sheets.details(trials) for trials in rows]))
