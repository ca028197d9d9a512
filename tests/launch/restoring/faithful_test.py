import numpy as np
from PIL import Image
import pytest

from deblock.launch.restoring import faithful
from deblock.launch.restoring import photograph as photograph_lib
from deblock.model import tiling
from deblock.model.cells import consistency
from deblock.pipeline import jpegsim
from deblock.records.jpeg import codec
from deblock.records.jpeg import tables as jpeg_tables
from deblock.records.photos import levels as jpeg_levels
from deblock.records.photos import original

KINDS = ["420", "422", "444", "gray"]


class Stub:
  """A network that adds waves and noise, in tiles of a given side."""

  def __init__(self, tile=48):
    self.tile = tile

  def parts(self, compressed, tables):
    del tables
    height, width, _ = compressed.shape
    waves = 0.06 * np.sin(np.arange(height)[:, None] / 3 + np.arange(width) / 5)[..., None]
    noise = np.random.default_rng(0).normal(0.0, 0.04, compressed.shape)
    made = (compressed / 255.0 + waves + noise).astype(np.float32)
    for top in range(0, height, self.tile):
      for left in range(0, width, self.tile):
        yield tiling.Part(top, left, made[top : top + self.tile, left : left + self.tile])


def _case(photograph, kind, quality, height=96, width=80):
  """Returns a photograph of mean contrast, as it was and as a JPEG file holds it."""
  # Far from black and white, where decoded values are cut and coefficients not to be found.
  clean = (photograph(height, width) // 2 + 64).astype(np.uint8)
  if kind == "gray":
    clean = codec.to_gray(clean)
  data = codec.encode(clean, quality, "444" if kind == "gray" else kind)
  return clean, original.decode(data, "a")


def _coefficients(samples, kind, quality):
  samples = samples.reshape(1, *samples.shape[:2], -1)
  tables = jpeg_tables.quantization_tables(quality)[np.newaxis]
  found = jpegsim.coefficients(samples, tables, "444" if kind == "gray" else kind)
  return np.concatenate([np.ravel(plane) for plane in found])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("quality", [10, 40])
def test_compressing_the_result_gives_the_file_again(photograph, kind, quality):
  clean, found = _case(photograph, kind, quality)
  expected = _coefficients(clean, kind, quality)
  held, freed = (
    photograph_lib.restore_original(found, Stub(), faithful=choice).samples
    for choice in (True, False)
  )
  assert held.shape == found.samples.shape and held.dtype == np.uint8
  unlike, unlike_freed = (
    np.mean(_coefficients(made, kind, quality) != expected) for made in (held, freed)
  )
  # Of noise, more coefficients lie at the edge of their cells than of a network's output.
  assert unlike < 0.01 and unlike_freed > 0.01 and unlike < 0.2 * unlike_freed
  # The correction is not simply undone.
  assert np.abs(held.astype(int) - found.samples).mean() > 1.0


@pytest.mark.parametrize("kind", KINDS)
def test_parts_are_projected_as_the_whole_is(photograph, monkeypatch, kind):
  _, found = _case(photograph, kind, 75, 61, 75)
  levels = found.samples if kind == "gray" else jpeg_levels.decode(found.data, "a")
  ((_, _, made),) = Stub(tile=1000).parts(np.zeros((61, 75, 3), np.uint8), None)
  made = made[..., 0] if kind == "gray" else made
  whole = faithful.project(made, levels, found.header, 0, 0)
  assert np.abs(whole - made).mean() > 0.01
  monkeypatch.setattr(faithful, "_SIDE", 32)
  for top in range(0, 61, 48):
    for left in range(0, 75, 64):
      place = slice(top, top + 48), slice(left, left + 64)
      part = faithful.project(made[place], levels, found.header, top, left)
      np.testing.assert_allclose(part, whole[place], atol=2e-6)


def test_coefficients_end_nearer_to_the_middle_than_the_projection_leaves_them(photograph):
  _, found = _case(photograph, "444", 75, 64, 64)
  # Errors of a third of a step, most of which the projection leaves alone.
  errors = np.random.default_rng(0).normal(0.0, 0.015, (64, 64, 3))
  made = (found.samples / 255.0 + errors).astype(np.float32)
  levels = jpeg_levels.decode(found.data, "a")
  planes = [levels[np.newaxis, ..., plane].astype(np.float32) for plane in range(3)]
  tables = np.asarray(found.header.tables, np.float32)[np.newaxis]
  bounds = consistency.decoded_cells(planes, tables, "444")
  projected = consistency.project(made[np.newaxis], bounds, "444", consistency.TIGHTEST)[0]
  held = faithful.project(made, levels, found.header, 0, 0)
  change, back = held - projected.numpy(), found.samples / 255.0 - projected.numpy()
  # Of large steps, which are most of the energy, such errors are a small part and stay.
  assert np.abs(change).mean() > 2e-4
  assert np.corrcoef(change.ravel(), back.ravel())[0, 1] > 0.2


def test_black_and_white_come_nearer_to_their_cells_by_turns(photograph):
  clean = np.where(photograph(96, 96) > 128, 255, 0).astype(np.uint8)
  found = original.decode(codec.encode(clean, 20, "444"), "a")
  unlike, unlike_freed = (
    np.mean(
      _coefficients(
        photograph_lib.restore_original(found, Stub(), faithful=choice).samples, "444", 20
      )
      != _coefficients(clean, "444", 20)
    )
    for choice in (True, False)
  )
  # A single round leaves half of them, three rounds two fifths.
  assert unlike < 0.45 * unlike_freed


@pytest.mark.parametrize("tile", [40, 24])
def test_parts_that_cut_chroma_blocks_are_refused(photograph, tile):
  _, found = _case(photograph, "420", 50)
  with pytest.raises(ValueError, match=rf"multiples of 16.*got 0 to {tile} of 96"):
    photograph_lib.restore_original(found, Stub(tile), faithful=True)


def test_what_cannot_be_held_is_freed_and_said(photograph, tmp_path):
  pixels = photograph(32, 48)
  Image.fromarray(pixels).convert("CMYK").save(tmp_path / "a.jpg", quality=30)
  Image.fromarray(pixels).save(tmp_path / "a.png")
  for name, reason in (("a.jpg", "its colours are CMYK"), ("a.png", "it is no JPEG file")):
    found = original.decode((tmp_path / name).read_bytes(), name)
    held, freed = (
      photograph_lib.restore_original(found, Stub(), quality=30, faithful=choice)
      for choice in (True, False)
    )
    np.testing.assert_array_equal(held.samples, freed.samples)
    assert held.notes == (f"not held to its coefficients: {reason}",) and freed.notes == ()


def test_the_files_tables_hold_whatever_quality_is_asked_for(photograph):
  _, found = _case(photograph, "420", 60)
  held, asked = (photograph_lib.restore_original(found, Stub(), q, faithful=True) for q in (0, 5))
  np.testing.assert_array_equal(asked.samples, held.samples)
  assert asked.notes == ()


def test_strength_blends_what_is_held(photograph):
  _, found = _case(photograph, "420", 30)
  whole, half = (
    photograph_lib.restore_original(found, Stub(), strength=strength).samples.astype(float)
    for strength in (1.0, 0.5)
  )
  assert np.abs(half - (whole + found.samples) / 2).max() <= 1.0
