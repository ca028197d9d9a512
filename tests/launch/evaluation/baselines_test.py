import numpy as np
import pytest

from deblock.launch.evaluation import baselines
from deblock.records.jpeg import codec
from deblock.records.jpeg import tables as jpeg_tables


def _error(image, clean):
  return np.mean((image.astype(np.float64) - clean) ** 2)


@pytest.mark.parametrize("name", [name for name in baselines.NAMES if name != "identity"])
def test_each_filter_brings_a_jpeg_nearer_to_the_photograph(name, photograph):
  clean = photograph(64, 96)
  jpeg, tables = codec.decode(codec.encode(clean, 10)), jpeg_tables.quantization_tables(10)
  restored = baselines.load(name)(jpeg, tables)
  assert restored.shape == clean.shape and restored.dtype == np.uint8
  assert _error(restored, clean) < 0.99 * _error(jpeg, clean)


@pytest.mark.parametrize("name", baselines.NAMES)
def test_a_flat_image_stays_and_gray_gets_no_colour(name, picture):
  tables = jpeg_tables.quantization_tables(20)
  flat = np.full((24, 24, 3), 128, np.uint8)  # Every JPEG keeps its level.
  np.testing.assert_array_equal(baselines.load(name)(flat, tables), flat)
  gray = picture(32, 40)[..., :1].repeat(3, axis=2)
  restored = baselines.load(name)(gray, tables)
  np.testing.assert_array_equal(restored, restored[..., :1].repeat(3, axis=2))


def test_the_identity_changes_nothing(picture):
  jpeg = picture(16, 24)
  restored = baselines.load("identity")(jpeg, jpeg_tables.quantization_tables(5))
  np.testing.assert_array_equal(restored, jpeg)


def test_bilateral_is_its_formula(picture):
  image = (picture(9, 11) / 255).astype(np.float32)
  tables = jpeg_tables.quantization_tables(30)
  reach = baselines._BILATERAL_RANGE * np.mean(tables[0, :3, :3]) / 255
  row, column, total, weights = 4, 6, 0.0, 0.0
  for down in range(-2, 3):
    for right in range(-2, 3):
      near = image[row + down, column + right].astype(np.float64)
      apart = (down**2 + right**2) / (2 * baselines._BILATERAL_SIGMA**2)
      unlike = np.mean((near - image[row, column]) ** 2) / (2 * reach**2)
      total += np.exp(-apart - unlike) * near
      weights += np.exp(-apart - unlike)
  made = baselines.bilateral(image, tables)
  np.testing.assert_allclose(made[row, column], total / weights, rtol=1e-5)


def test_reencodings_are_the_mean_over_every_shift_of_the_grid(monkeypatch, picture):
  seen = []

  def encode(image, quality, subsampling):
    seen.append((image.shape[0] - 16, image.shape[1] - 24, quality, subsampling))
    return codec_encode(image, quality, subsampling)

  codec_encode = codec.encode
  monkeypatch.setattr(codec, "encode", encode)
  jpeg, tables = picture(16, 24), jpeg_tables.quantization_tables(15)
  made = baselines.load("reencodings", "444")(jpeg, tables)
  assert sorted(seen) == [(row, column, 15, "444") for row in range(8) for column in range(8)]
  shifted = [
    codec.decode(codec_encode(np.pad(jpeg, ((row, 0), (column, 0), (0, 0)), "edge"), 15, "444"))[
      row:, column:
    ]
    for row in range(8)
    for column in range(8)
  ]
  assert np.abs(made - np.mean(shifted, axis=0)).max() <= 0.5001
