import io
import pathlib
import re

import jpeglib
import numpy as np
from PIL import Image
import pytest
from scipy import fft

from deblock.launch.restoring import cells, expectation, trust
from deblock.launch.restoring import photograph as photograph_lib
from deblock.model import tiling
from deblock.records.jpeg import codec
from deblock.records.jpeg import coefficients as jpeg_coefficients
from deblock.records.photos import original

# Sampling factors of Y, Cb and Cr, down and across; gray has one plane.
SAMPLINGS = {
  "420": ((2, 2), (1, 1), (1, 1)),
  "422": ((1, 2), (1, 1), (1, 1)),
  "440": ((2, 1), (1, 1), (1, 1)),
  "411": ((1, 4), (1, 1), (1, 1)),
  "444": ((1, 1), (1, 1), (1, 1)),
  "3x1": ((1, 3), (1, 1), (1, 1)),
  "Cr finer than Cb": ((2, 2), (1, 1), (2, 1)),
  "chroma finer than luma": ((1, 1), (2, 2), (2, 2)),
  "gray": ((1, 1),),
  "gray of 2x2": ((2, 2),),
}


class Stub:
  """A network that adds waves and noise, in tiles of a given side."""

  def __init__(self, tile=96, waves=0.03, noise=0.01):
    self.tile, self.waves, self.noise = tile, waves, noise

  def parts(self, compressed, tables):
    del tables
    height, width, _ = compressed.shape
    waves = self.waves * np.sin(np.arange(height)[:, None] / 3 + np.arange(width) / 5)[..., None]
    noise = np.random.default_rng(0).normal(0.0, self.noise, compressed.shape)
    made = (compressed / 255.0 + waves + noise).astype(np.float32)
    for top in range(0, height, self.tile):
      for left in range(0, width, self.tile):
        yield tiling.Part(top, left, made[top : top + self.tile, left : left + self.tile])


def _encoded(pixels, kind, quality):
  """Returns pixels as a JPEG with one of SAMPLINGS."""
  stream = io.BytesIO()
  if kind == "gray":
    Image.fromarray(pixels).convert("L").save(stream, "JPEG", quality=quality)
    return stream.getvalue()
  if kind == "gray of 2x2":
    data = _encoded(pixels, "gray", quality)
    # The factors of the only component, in the frame header.
    place = data.index(b"\xff\xc0") + 11
    return data[:place] + b"\x22" + data[place + 1 :]
  return _of_jpeglib(pixels, SAMPLINGS[kind], quality)


def _of_jpeglib(pixels, factors, quality, folder=None):
  path = pathlib.Path(_of_jpeglib.folder) / "a.jpg"
  jpeg = jpeglib.from_spatial(pixels)
  jpeg.samp_factor = factors
  jpeg.write_spatial(str(path), qt=quality)
  return path.read_bytes()


@pytest.fixture(autouse=True)
def _folder(tmp_path):
  _of_jpeglib.folder = tmp_path


def _case(photograph, kind, quality, height=96, width=80):
  """Returns a photograph of mean contrast as a JPEG file holds it."""
  clean = (photograph(height, width) // 2 + 64).astype(np.uint8)
  return original.decode(_encoded(clean, kind, quality), "a")


def _given_back(made, found, kind, quality):
  """Returns the share of the file's coefficients that compressing the result gives again."""
  again = jpeg_coefficients.read(_encoded(made, kind, quality))
  pairs = zip(again.planes, jpeg_coefficients.read(found.data).planes, strict=True)
  same = [one.integers == other.integers for one, other in pairs]
  return np.mean(np.concatenate([plane.ravel() for plane in same]))


@pytest.mark.parametrize("kind", ["420", "444", "gray"])
def test_the_share_that_is_given_back_is_what_compressing_gives(photograph, kind):
  found = _case(photograph, kind, 75, 100, 90)
  coefficients = jpeg_coefficients.read(found.data)
  noise = np.random.default_rng(0).integers(-12, 13, found.samples.shape)
  noisy = np.clip(found.samples + noise, 0, 255).astype(np.uint8)
  shares = []
  for image in (found.samples, noisy):
    shares.append(cells.share_given_back(image, coefficients))
    assert shares[-1] == pytest.approx(_given_back(image, found, kind, 75), abs=0.003)
  assert shares[0] > 0.98 > 0.97 > shares[1]
  assert cells.share_given_back(noisy * np.uint16(257), coefficients) == shares[1]


@pytest.fixture
def projecting(monkeypatch):
  """Has the cells trust everything and stop at a cell's border, half a level inside."""
  monkeypatch.setattr(trust, "weights", lambda away, border: np.ones(away.shape[:2], np.float32))
  monkeypatch.setattr(trust, "_STRONG", np.float32(0.0))

  class Nearest:
    def __init__(self, steps, kind, inside):
      self.most = np.maximum(0.5 - inside / steps, 0.0).astype(np.float32)

    def __call__(self, away, large):
      return np.clip(away, -self.most, self.most)

  monkeypatch.setattr(expectation, "Mover", Nearest)


def test_the_projection_is_its_formula(photograph, projecting):
  found = _case(photograph, "gray", 30, 24, 16)
  coefficients = jpeg_coefficients.read(found.data)
  free = (found.samples / 255.0).astype(np.float32)
  free += np.random.default_rng(0).normal(0.0, 0.05, free.shape).astype(np.float32)
  made = cells.hold(free, found.samples, coefficients).image
  (plane,) = coefficients.planes
  middle = plane.integers * plane.steps
  reach = plane.steps / 2 - 0.5
  for row, column in np.ndindex(3, 2):
    place = slice(8 * row, 8 * row + 8), slice(8 * column, 8 * column + 8)
    block = fft.dctn(255.0 * free[place].astype(float) - 128.0, norm="ortho")
    low, high = middle[row, column] - reach, middle[row, column] + reach
    expected = fft.idctn(np.clip(block, low, high), norm="ortho") + 128.0
    np.testing.assert_allclose(255.0 * made[place], expected, atol=1e-3)


@pytest.mark.parametrize("kind", SAMPLINGS)
def test_every_plane_is_projected_at_its_own_resolution(photograph, projecting, kind):
  found = _case(photograph, kind, 30, 96, 192)
  coefficients = jpeg_coefficients.read(found.data)
  free = (found.samples / 255.0).astype(np.float32)
  free += np.random.default_rng(0).normal(0.0, 0.05, free.shape).astype(np.float32)
  made = 255.0 * cells.hold(free, found.samples, coefficients).image.astype(float)
  luma = made if made.ndim == 2 else made @ (0.299, 0.587, 0.114)
  planes = [luma]
  if made.ndim == 3:
    planes += [(made[..., 2] - luma) / 1.772 + 128.0, (made[..., 0] - luma) / 1.402 + 128.0]
  for samples, plane in zip(planes, coefficients.planes, strict=True):
    down, across = plane.factors
    samples = samples.reshape(96 // down, down, 192 // across, across).mean(axis=(1, 3))
    rows, columns = (side // 8 for side in samples.shape)
    blocks = samples.reshape(rows, 8, columns, 8).swapaxes(1, 2) - 128.0
    away = fft.dctn(blocks, axes=(2, 3), norm="ortho") - plane.integers * plane.steps
    assert (np.abs(away) <= plane.steps / 2 - 0.5 + 0.01).all()


@pytest.mark.parametrize("kind", SAMPLINGS)
@pytest.mark.parametrize("size", [(96, 80), (61, 75), (9, 2)])
def test_compressing_the_result_gives_the_file_again(photograph, kind, size):
  found = _case(photograph, kind, 30, *size)
  held, freed = (
    photograph_lib.restore_original(found, Stub(), faithful=choice) for choice in (True, False)
  )
  assert held.notes == () and held.samples.shape == found.samples.shape
  share, without = (_given_back(made.samples, found, kind, 30) for made in (held, freed))
  assert share > 0.985 and 1.0 - share < 0.5 * (1.0 - without) + 1e-9
  if size == (96, 80):
    # The correction is not simply undone.
    assert np.abs(held.samples.astype(int) - found.samples).mean() > 1.0


@pytest.mark.parametrize("kind", ["420", "411", "444", "gray"])
def test_parts_are_held_as_the_whole_is(photograph, monkeypatch, kind):
  found = _case(photograph, kind, 75, 77, 91)
  coefficients = jpeg_coefficients.read(found.data)
  ((_, _, made),) = Stub(tile=1000).parts(np.zeros((77, 91, 3), np.uint8), None)
  made = made[..., 0] if kind == "gray" else made
  whole = cells.hold(made, found.samples, coefficients)
  assert np.abs(whole.image - made).mean() > 0.01 and whole.blocks == 10 * 12
  monkeypatch.setattr(cells, "_WINDOW", 32)
  doubted = 0
  for top in range(0, 77, 32):
    for left in range(0, 91, 64):
      place = slice(top, top + 32), slice(left, left + 64)
      part = cells.hold(made[place], found.samples[place], coefficients, top, left)
      np.testing.assert_allclose(part.image, whole.image[place], atol=2e-6)
      doubted += part.doubted
  assert doubted == whole.doubted


@pytest.mark.parametrize(("kind", "tile"), [("420", 40), ("411", 48), ("440", 24)])
def test_parts_that_cut_blocks_are_refused(photograph, kind, tile):
  with pytest.raises(ValueError, match="a part must begin and end on multiples of"):
    photograph_lib.restore_original(_case(photograph, kind, 50), Stub(tile))


def test_what_disagrees_with_the_file_is_kept_close_to_the_jpeg(photograph):
  found = _case(photograph, "gray", 75)
  made = photograph_lib.restore_original(found, Stub(waves=0.2, noise=0.1))
  assert np.abs(made.samples.astype(int) - found.samples).mean() < 1.5
  (note,) = made.notes
  assert re.fullmatch(r"kept close to the JPEG in (9\d|100) % of the blocks", note)
  assert photograph_lib.restore_original(found, Stub(waves=0.0, noise=0.002)).notes == ()


def test_trust_falls_with_the_mean_distance_from_the_cells():
  away = np.zeros((1, 4, 64), np.float32)
  away[0, 1:, 0] = 0.5 + 64 * np.array([0.05, 0.1, 0.15])
  # Inside the cell it does not count.
  away[0, :, 1:] = 0.49
  np.testing.assert_allclose(trust.weights(away, 0.1), [[1.0, 1.0, 0.5, 0.0]], atol=1e-5)


def test_of_fine_steps_lumas_border_grows_with_the_number_of_coefficients():
  integers = np.zeros((1, 3, 64), np.float32)
  integers[0, 1, 1:16] = 1.0
  integers[0, 2, 1:] = 1.0
  borders = trust.border(integers, np.full(64, 4.0), "luma")[0]
  np.testing.assert_allclose(borders / borders[2], [1 / 32, 16 / 32, 1.0], rtol=1e-6)
  for steps, kind in ((11.0, "luma"), (4.0, "whole")):
    assert np.ptp(trust.border(integers, np.full(64, steps), kind)) == 0.0


def test_strong_colours_that_the_file_holds_as_flat_count_less():
  integers = np.zeros((1, 2, 64), np.float32)
  integers[0, 1, 5] = 1.0
  steps, everywhere = np.full(64, 99.0), np.ones((1, 2), bool)
  strong = trust.most(integers, steps, "sampled", everywhere)
  np.testing.assert_allclose(strong, [[0.6, 1.0]], rtol=1e-6)
  np.testing.assert_array_equal(trust.most(integers, steps, "sampled", ~everywhere), [[1.0, 1.0]])
  np.testing.assert_array_equal(
    trust.is_strong(np.array([12.0, 9.0]), np.array([-12.0, 12.0])), [True, False]
  )


def test_pure_white_and_black_stay_where_the_block_is_flat():
  clean = np.full((64, 64, 3), 255, np.uint8)
  clean[:32, 24:40] = 0
  clean[40:50, 40:50] = (200, 30, 30)
  found = original.decode(codec.encode(clean, 40, "420"), "a")
  made = photograph_lib.restore_original(found, Stub(noise=0.03)).samples
  shown = found.samples.reshape(8, 8, 8, 8, 3).swapaxes(1, 2)
  restored = made.reshape(8, 8, 8, 8, 3).swapaxes(1, 2)
  flat = ~jpeg_coefficients.read(found.data).planes[0].integers.reshape(8, 8, 64)[..., 1:].any(2)
  pure = flat & ((shown == 0) | (shown == 255)).all(axis=(2, 3, 4))
  assert pure.sum() > 20
  np.testing.assert_array_equal(restored[pure], shown[pure])


def test_flat_areas_of_one_colour_stay_as_the_jpeg_shows_them():
  clean = np.full((64, 64, 3), (90, 140, 60), np.uint8)
  clean[:, 40:] = (91, 20, 200)
  found = original.decode(codec.encode(clean, 75, "444"), "a")
  made = photograph_lib.restore_original(found, Stub()).samples
  np.testing.assert_array_equal(made[:, :32], found.samples[:, :32])
  coarse = original.decode(codec.encode(clean, 10, "444"), "a")
  made = photograph_lib.restore_original(coarse, Stub()).samples
  assert (made[:, :32] != coarse.samples[:, :32]).any()


@pytest.mark.parametrize("subsampling", ["420", "444"])
def test_an_image_of_one_colour_stays_as_it_is(subsampling):
  clean = np.full((40, 56, 3), (200, 40, 90), np.uint8)
  found = original.decode(codec.encode(clean, 30, subsampling), "a")
  made = photograph_lib.restore_original(found, Stub())
  np.testing.assert_array_equal(made.samples, found.samples)


@pytest.mark.parametrize("size", [(9, 2), (15, 64), (40, 15)])
def test_images_of_less_than_16_rows_or_columns_are_left_as_they_are(photograph, size):
  found = original.decode(codec.encode(photograph(*size), 40), "a")
  made = photograph_lib.restore_original(found, Stub())
  np.testing.assert_array_equal(made.samples, found.samples)
  assert made.condition.source.startswith("smaller than 16 pixels")


def test_a_gray_image_in_three_components_stays_gray(photograph):
  gray = np.repeat(photograph(64, 64)[..., :1], 3, axis=2)
  made = photograph_lib.restore_original(original.decode(codec.encode(gray, 30), "a"), Stub())
  assert (made.samples == made.samples[..., :1]).all()


@pytest.mark.parametrize("kind", ["420", "444", "gray"])
def test_black_and_white_come_back_by_turns(photograph, kind):
  clean = np.where(photograph(96, 96)[..., :1] > 128, 255, 0).astype(np.uint8).repeat(3, 2)
  found = original.decode(_encoded(clean, kind, 40), "a")
  made = photograph_lib.restore_original(found, Stub()).samples
  lost, lost_before = (1.0 - _given_back(image, found, kind, 40) for image in (made, found.samples))
  assert lost < 0.003 and lost < 0.2 * lost_before
  target = clean[..., 0] if kind == "gray" else clean
  error, before = (((image - target.astype(float)) ** 2).mean() for image in (made, found.samples))
  assert error < 0.8 * before


def test_what_cannot_be_held_is_freed_and_said(photograph, tmp_path, monkeypatch):
  pixels = photograph(32, 48)
  Image.fromarray(pixels).convert("CMYK").save(tmp_path / "a.jpg", quality=30)
  Image.fromarray(pixels).save(tmp_path / "a.png")
  Image.fromarray(pixels).save(tmp_path / "b.jpg", quality=30)

  def missing(data):
    raise jpeg_coefficients.CoefficientsError("libjpeg cannot read its coefficients")

  for name, reason in (
    ("a.jpg", "its colours are CMYK"),
    ("a.png", "it is no JPEG file"),
    ("b.jpg", "libjpeg cannot read its coefficients"),
  ):
    if name == "b.jpg":
      monkeypatch.setattr(jpeg_coefficients, "read", missing)
    found = original.decode((tmp_path / name).read_bytes(), name)
    held, freed = (
      photograph_lib.restore_original(found, Stub(), quality=30, faithful=choice)
      for choice in (True, False)
    )
    np.testing.assert_array_equal(held.samples, freed.samples)
    assert held.notes == (f"restored freely: {reason}",) and freed.notes == ()


def test_the_files_tables_hold_whatever_quality_is_asked_for(photograph):
  found = _case(photograph, "420", 60)
  held, asked = (photograph_lib.restore_original(found, Stub(), q) for q in (0, 5))
  np.testing.assert_array_equal(asked.samples, held.samples)


def test_strength_blends_what_is_held(photograph):
  found = _case(photograph, "420", 30)
  whole, half = (
    photograph_lib.restore_original(found, Stub(), strength=strength).samples.astype(float)
    for strength in (1.0, 0.5)
  )
  assert np.abs(half - (whole + found.samples) / 2).max() <= 1.0
