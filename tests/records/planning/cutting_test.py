import io

import numpy as np
from PIL import Image
import pytest

from deblock.records.jpeg import codec
from deblock.records.photos import reading
from deblock.records.planning import config as config_lib
from deblock.records.planning import cutting


def _config(**changes):
  return config_lib.RecordsConfig(**{"records": "out", "tile_size": 48, **changes})


def _picture(pixels, file_format="PNG"):
  return reading.Picture(pixels, file_format)


def test_what_was_no_jpeg_is_cut_as_it_is(photograph):
  pixels = photograph(64, 96)
  prepared = cutting.prepare(_picture(pixels), _config(jpeg_downscale=2.0, tile_size=64))
  np.testing.assert_array_equal(prepared, pixels)


def test_what_was_a_jpeg_is_shrunk(photograph):
  pixels = photograph(100, 150)
  prepared = cutting.prepare(_picture(pixels, "JPEG"), _config(jpeg_downscale=2.0))
  assert prepared.shape == (50, 75, 3)
  expected = np.asarray(Image.fromarray(pixels).resize((75, 50), Image.Resampling.LANCZOS))
  np.testing.assert_array_equal(prepared, expected)
  untouched = cutting.prepare(_picture(pixels, "JPEG"), _config())
  np.testing.assert_array_equal(untouched, pixels)


def test_shrinking_washes_out_blocking(photograph):
  clean = photograph(256, 256)

  def blocking(pixels, side):
    """Returns how much larger the steps across the edges of blocks are than the others."""
    steps = np.abs(np.diff(pixels[..., 1].astype(float), axis=1)).mean(axis=0)
    return steps[side - 1 :: side].mean() / np.delete(steps, np.s_[side - 1 :: side]).mean()

  jpeg = codec.decode(codec.encode(clean, 10))
  shrunk = cutting.prepare(_picture(jpeg, "JPEG"), _config(jpeg_downscale=2.0))
  before, after = blocking(jpeg, 8), blocking(shrunk, 4)
  assert before > 1.5
  assert after - 1 < 0.5 * (before - 1)


@pytest.mark.parametrize("downscale", [1.0, 2.0])
def test_why_an_image_cannot_be_used(photograph, downscale):
  config = _config(jpeg_downscale=downscale)
  assert cutting.problem(_picture(photograph(96, 96), "JPEG"), config) == ""
  assert "smaller than one 48x48 tile" in cutting.problem(_picture(photograph(40, 96)), config)
  found = cutting.problem(_picture(photograph(60, 96), "JPEG"), config)
  assert bool(found) == (downscale == 2.0)
  assert cutting.problem(reading.ImageError("a.png", "is bad"), config) == "is bad"


def test_a_tile_has_its_jpegs_and_a_key_that_says_where_it_was(photograph):
  pixels = photograph(64, 96)
  config = _config(qualities=(10, 40), subsampling="444")
  triples = list(cutting.make_triples("a/b.png", pixels, config))
  assert [value.key for value in triples] == [
    f"a/b.png/{row}/{column}" for row in (0, 16) for column in (0, 48)
  ]
  value = triples[3]
  np.testing.assert_array_equal(value.clean, pixels[16:, 48:])
  assert value.compressed == tuple(codec.encode(value.clean, q, "444") for q in (10, 40))


def test_gray_tiles_are_gray_streams(photograph):
  (value,) = cutting.make_triples("a.png", photograph(48, 48), _config(gray_share=1.0))
  assert (value.clean == value.clean[..., :1]).all()
  with Image.open(io.BytesIO(value.compressed[0])) as stream:
    assert stream.mode == "L"
  luma = photograph(48, 48).astype(float) @ (0.299, 0.587, 0.114)
  assert np.abs(value.clean[..., 0] - luma).max() <= 1


def test_flat_tiles_get_rare(photograph):
  pixels = np.full((48, 48 * 20, 3), 128, np.uint8)
  pixels[:, : 48 * 10] = photograph(48, 48 * 10)
  config = _config(min_detail=3.0)
  columns = [
    int(value.key.rsplit("/", 1)[1]) for value in cutting.make_triples("a.png", pixels, config)
  ]
  assert all(column < 48 * 10 for column in columns)
  assert len(columns) > 7


def test_a_few_tiles_of_an_image_can_be_asked_for(photograph):
  config = _config(tiles_per_image=3, stride=16)
  assert len(list(cutting.make_triples("a.png", photograph(96, 128), config))) == 3
