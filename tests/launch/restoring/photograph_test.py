import io
import pathlib
import textwrap

import numpy as np
from PIL import Image
import pytest

from deblock.launch.restoring import fading
from deblock.launch.restoring import photograph as photograph_lib
from deblock.model import tiling
from deblock.records.jpeg import codec
from deblock.records.jpeg import tables as jpeg_tables
from deblock.records.photos import original, reading

_CASES = pathlib.Path(__file__).parents[2] / "cases"
# What the README shows.
LINES = """
import deblock

restored = deblock.restore("photo.jpg")
"""


class Stub:
  """A network that adds 20 levels, and remembers what it saw."""

  def __init__(self, tile=40):
    self.tile = tile

  def parts(self, compressed, tables):
    self.seen, self.tables = compressed, tables
    for top in range(0, compressed.shape[0], self.tile):
      for left in range(0, compressed.shape[1], self.tile):
        window = compressed[top : top + self.tile, left : left + self.tile]
        yield tiling.Part(top, left, window / np.float32(255.0) + np.float32(20 / 255))


def _lighter(pixels, strength=1.0):
  return np.clip(np.rint(pixels + strength * 20), 0, 255).astype(np.uint8)


def _data(pixels, kind="PNG", **options):
  buffer = io.BytesIO()
  Image.fromarray(pixels).save(buffer, kind, **options)
  return buffer.getvalue()


def _restore(data, **options):
  stub = Stub()
  made = photograph_lib.restore_original(
    original.decode(data, "a"), stub, faithful=False, **options
  )
  return made, stub


def test_the_lines_of_the_readme_work(photograph, tmp_path, monkeypatch):
  clean = photograph(64, 80)
  (tmp_path / "photo.jpg").write_bytes(codec.encode(clean, 20))
  monkeypatch.chdir(tmp_path)
  names = {}
  exec(LINES, names)
  assert LINES.strip() in textwrap.dedent(photograph_lib.__doc__)
  assert len(LINES.split("\n\n")) <= 3
  jpeg = codec.decode((tmp_path / "photo.jpg").read_bytes())
  images_made = (names["restored"], jpeg)
  error, before = (np.mean((image - clean.astype(float)) ** 2) for image in images_made)
  assert error < 0.8 * before


def test_a_file_bytes_and_pixels_are_restored_alike(photograph, tmp_path):
  data = codec.encode(photograph(40, 56), 20)
  (tmp_path / "a.jpg").write_bytes(data)
  by_file = photograph_lib.restore(tmp_path / "a.jpg", "fast")
  np.testing.assert_array_equal(by_file, photograph_lib.restore(data, "fast"))
  freed = photograph_lib.restore(data, "fast", faithful=False)
  np.testing.assert_array_equal(
    freed, photograph_lib.restore(codec.decode(data), "fast", quality=20)
  )
  assert (freed != by_file).any()
  assert by_file.flags.writeable


@pytest.mark.parametrize("quality", [98, 100])
def test_a_good_jpeg_is_left_as_it_is_unless_asked(photograph, quality):
  data = codec.encode(photograph(24, 24), quality)
  made, _ = _restore(data)
  np.testing.assert_array_equal(made.samples, codec.decode(data))
  assert made.condition.source.endswith("pixels left as they are")
  made, _ = _restore(data, quality=75)
  np.testing.assert_array_equal(made.samples, _lighter(codec.decode(data)))


def test_of_a_jpeg_that_is_nearly_as_good_a_part_is_corrected(photograph):
  found = original.decode(codec.encode((photograph(24, 24) // 2 + 64).astype(np.uint8), 95), "a")
  made = photograph_lib.restore_original(found, Stub(), faithful=False).samples
  share, _ = fading.shares(found.header.tables, found.header, False)
  assert 0.3 < share < 0.6
  np.testing.assert_allclose(made, found.samples + share * 20, atol=1.0)


def test_the_files_own_tables_condition_the_network(photograph):
  pixels = photograph(45, 56)
  made, stub = _restore(codec.encode(pixels, 35))
  np.testing.assert_array_equal(stub.tables, jpeg_tables.quantization_tables(35))
  assert made.condition.source == "quality 35 by its own tables, YCbCr 4:2:0"
  np.testing.assert_array_equal(made.samples, _lighter(codec.decode(codec.encode(pixels, 35))))


def test_a_quality_that_is_given_outweighs_the_tables(photograph):
  made, stub = _restore(codec.encode(photograph(24, 24), 35), quality=70)
  np.testing.assert_array_equal(stub.tables, jpeg_tables.quantization_tables(70))
  assert made.condition.source.startswith("quality 70 as asked")


@pytest.mark.parametrize(("top", "left"), [(0, 0), (3, 5), (7, 1)])
def test_of_a_screenshot_the_grid_begins_at_the_first_pixel(photograph, top, left):
  jpeg = codec.decode(codec.encode(photograph(150, 160), 30))
  shot = np.ascontiguousarray(jpeg[-top % 8 :, -left % 8 :])
  made, stub = _restore(_data(shot))
  assert made.condition[1:3] == (top, left)
  np.testing.assert_array_equal(stub.tables, jpeg_tables.quantization_tables(30))
  # Every whole block of the JPEG is a whole block of what the network sees.
  first = (-top % 8, -left % 8)
  np.testing.assert_array_equal(
    stub.seen[8 if top else 0 :, 8 if left else 0 :],
    jpeg[8 if first[0] else 0 :, 8 if first[1] else 0 :],
  )
  np.testing.assert_array_equal(made.samples, _lighter(shot))


def test_a_turned_jpeg_is_restored_as_it_was_before():
  data = (_CASES / "x_rot90.png").read_bytes()
  made, stub = _restore(data)
  assert made.condition.source == (
    "quality 30 found in the pixels, turned by 90 degrees, blocks begin at row 5, column 0"
  )
  pixels = reading.decode_picture(data, "a").pixels
  # The network sees rows where the JPEG had them, and blocks that begin where it does.
  np.testing.assert_array_equal(stub.seen[:, 3:], pixels.swapaxes(0, 1))
  np.testing.assert_array_equal(stub.tables, jpeg_tables.quantization_tables(30))
  np.testing.assert_array_equal(made.samples, _lighter(pixels.astype(float)))


@pytest.mark.parametrize("depth", [8, 16])
def test_of_a_photograph_inside_an_image_nothing_else_changes(depth):
  data = (_CASES / "x_screenshot.png").read_bytes()
  told = []
  made, stub = _restore(data, depth=depth, on_part=told.append)
  assert made.condition.source == (
    "quality 30 found in a photograph inside the image, of 197x163 pixels at row 77, column 213: "
    "only that part is restored"
  )
  pixels = reading.decode_picture(data, "a").pixels
  inside = slice(77, 240), slice(213, 410)
  np.testing.assert_array_equal(stub.seen, pixels[inside])
  expected = pixels.copy()
  expected[inside] = _lighter(pixels[inside].astype(float))
  found = made.samples if depth == 8 else np.rint(made.samples / 257.0)
  np.testing.assert_array_equal(found, expected)
  assert sum(told) == pixels.shape[0] * pixels.shape[1]


def test_16_bits_hold_what_8_round(photograph):
  data = codec.encode(photograph(40, 40), 30)
  rough, _ = _restore(data)
  fine, _ = _restore(data, depth=16)
  assert fine.samples.dtype == np.uint16
  np.testing.assert_array_equal(np.rint(fine.samples / 257.0), rough.samples)
  good, _ = _restore(codec.encode(photograph(40, 40), 100), depth=16)
  assert (good.samples % 257 == 0).all() and good.samples.dtype == np.uint16


def test_a_clean_image_is_left_as_it_is(photograph):
  pixels = photograph(64, 64)
  made, _ = _restore(_data(pixels))
  np.testing.assert_array_equal(made.samples, pixels)
  assert made.condition.source == "no traces of JPEG: pixels left as they are"
  made, _ = _restore(_data(pixels), quality=10)
  np.testing.assert_array_equal(made.samples, _lighter(pixels))


@pytest.mark.parametrize("strength", [0.0, 0.3, 1.0])
def test_strength_blends(photograph, strength):
  data = codec.encode(photograph(24, 24), 50)
  made, _ = _restore(data, strength=strength)
  difference = made.samples.astype(int) - _lighter(codec.decode(data), strength)
  assert np.abs(difference).max() <= (0 if strength in (0.0, 1.0) else 1)


def test_gray_stays_gray(photograph):
  gray = photograph(24, 32)[..., 1]
  made, stub = _restore(_data(gray, "JPEG", quality=40))
  assert made.samples.shape == gray.shape
  assert (stub.seen == stub.seen[..., :1]).all()
  np.testing.assert_array_equal(made.samples, _lighter(stub.seen[..., 0]))


def test_16_bits_keep_their_finer_levels():
  deep = np.random.default_rng(0).integers(0, 50000, (24, 24)).astype(np.uint16)
  made, _ = _restore(_data(deep), quality=50)
  assert made.samples.dtype == np.uint16
  difference = made.samples.astype(int) - (deep + np.rint(20 * 257).astype(int))
  assert np.abs(difference).max() <= 1


def test_an_orientation_is_applied_once(photograph, monkeypatch):
  monkeypatch.setattr(photograph_lib, "shipped", lambda model, self_ensemble: Stub())
  exif = Image.Exif()
  exif[274] = 6
  data = _data(photograph(24, 40), "JPEG", exif=exif)
  expected = _lighter(reading.decode_picture(data, "a").pixels)
  assert expected.shape == (40, 24, 3)
  np.testing.assert_array_equal(photograph_lib.restore(data, faithful=False), expected)


def test_every_pixel_is_told(photograph):
  told = []
  _restore(codec.encode(photograph(50, 90), 50), on_part=told.append)
  assert sum(told) == 50 * 90 and len(told) == 6
  told.clear()
  _restore(_data(photograph(50, 90)), on_part=told.append)
  assert told == [50 * 90]


@pytest.mark.parametrize(
  ("options", "message"),
  [
    ({"strength": 1.1}, r"strength must be in \[0, 1\], got 1.1"),
    ({"strength": float("nan")}, r"strength must be in \[0, 1\], got nan"),
    ({"quality": 101}, r"quality must be an integer in \[1, 100\], got 101"),
  ],
)
def test_values_out_of_range_are_named(photograph, options, message):
  with pytest.raises(ValueError, match=message):
    _restore(codec.encode(photograph(8, 8), 50), **options)


def test_arrays_that_are_no_images_are_refused():
  wrong = (np.zeros((8, 8, 4), np.uint8), np.zeros((8, 8), np.float32), np.zeros((0, 8), np.uint8))
  for pixels in wrong:
    with pytest.raises(ValueError, match="an image must be uint8"):
      photograph_lib.restore(pixels)
