import numpy as np
import pytest

from deblock.launch.restoring import fading, planes
from deblock.records.jpeg import header as jpeg_header
from deblock.records.jpeg import tables as jpeg_tables


def _header(quality, subsampling):
  tables = jpeg_tables.quantization_tables(quality)
  return jpeg_header.JpegHeader(tables, "YCbCr", subsampling, False)


def _shares(quality, subsampling="444", held=True):
  header = _header(quality, subsampling)
  return fading.shares(header.tables, header, held)


@pytest.mark.parametrize("held", [True, False])
def test_all_of_it_is_applied_where_steps_are_large(held):
  for quality in range(1, 76):
    assert _shares(quality, held=held) == (1.0, 1.0)


def test_the_shares_fall_with_the_steps_and_those_of_the_freed_to_nought():
  for held, ends in ((True, (0.7, 0.75)), (False, (0.0, 0.0))):
    every = np.array([_shares(quality, held=held) for quality in range(75, 101)])
    assert (np.diff(every, axis=0) <= 0).all() and (np.diff(every[:20], axis=0) < 0).any()
    np.testing.assert_array_equal(every[-1], ends)
  # Halfway between its ends in logarithms, half of the way.
  tables = np.full((2, 8, 8), (8.0 * 23.6) ** 0.5)
  assert fading.shares(tables, None, True) == (1.0, pytest.approx(0.875))


def test_chroma_of_lower_resolution_is_corrected_wholly():
  for subsampling in ("420", "422", "411"):
    luma, chroma = _shares(95, subsampling)
    assert chroma == 1.0 and luma == _shares(95)[0] < 1.0
  # What is not known to be sampled may not be.
  header = _header(95, "444")
  assert fading.shares(header.tables, None, True) == fading.shares(header.tables, header, True)


def test_the_steps_decide_and_not_a_qualitys_name():
  tables = jpeg_tables.quantization_tables(95)
  finer = np.stack([jpeg_tables.quantization_tables(97)[0], tables[1]])
  luma, chroma = fading.shares(tables, None, False)
  assert fading.shares(finer, None, False)[0] < luma
  assert fading.shares(finer, None, False)[1] == chroma


def test_luma_and_chroma_change_by_their_shares():
  rng = np.random.default_rng(0)
  before, after = (rng.uniform(0, 1, (8, 16, 3)).astype(np.float32) for _ in range(2))
  made = fading.faded(after, before, 0.25, 0.75)
  channels = (np.moveaxis(255.0 * image, -1, 0) for image in (before, after, made))
  parts = zip(*map(planes.from_rgb, channels), strict=True)
  for (old, new, got), share in zip(parts, (0.25, 0.75, 0.75), strict=True):
    np.testing.assert_allclose(got, old + share * (new - old), atol=1e-3)
  assert fading.faded(after, before, 1.0, 1.0) is after
  np.testing.assert_allclose(fading.faded(after, before, 0.0, 0.0), before, atol=1e-6)
  gray = fading.faded(after[..., 0], before[..., 0], 0.5, 1.0)
  np.testing.assert_allclose(gray, (before[..., 0] + after[..., 0]) / 2, atol=1e-6)


def test_what_lies_in_the_cells_stays_there():
  rng = np.random.default_rng(1)
  step = 12.0
  centre = step * rng.integers(-3, 4, (1, 2, 64)).astype(np.float32)
  inside = centre + rng.uniform(-step / 2, step / 2, centre.shape).astype(np.float32)
  units, maps = planes.Units(1, 2, (8, 8)), planes.maps((8, 8), (1, 1), np.ones(64))
  before, after = (
    units.joined(maps.inverse(blocks.reshape(2, 1, 64))[np.newaxis], 1 / 255)[..., 0]
    for blocks in (centre, inside)
  )
  made = fading.faded(after, before, 0.5, 1.0)
  found = maps.forward(units.cut(made, 255.0)[0]).reshape(centre.shape)
  assert np.abs(found - centre).max() <= step / 4 + 1e-3
