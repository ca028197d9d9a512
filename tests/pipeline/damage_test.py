"""What is done to one crop of a given history, against the same done by Pillow and slices."""

import io

import numpy as np
from PIL import Image
import pytest
import tensorflow as tf

from deblock.pipeline import alterations, damage, decisions, degrade
from deblock.pipeline import batch as batch_lib
from deblock.pipeline import config as config_lib
from deblock.records.jpeg import codec
from deblock.records.jpeg import encoders as jpeg_encoders
from deblock.records.jpeg import tables as jpeg_tables

_ROW, _COLUMN = 8, 16


def _config(**changes):
  settings = {"degradation": "online", "crop_size": 24, **changes}
  return config_lib.InputConfig(**settings)


def _history(**changes):
  """Returns a history of one crop: compressed once, at quality 40, if nothing else is said."""
  made = decisions.Decisions(
    places=(_ROW, _COLUMN),
    gray=False,
    reordered=False,
    order=(2, 0, 1),
    toned=False,
    contrast=1.2,
    brightness=-10.0,
    first=0,
    resized=False,
    scale=0.6,
    grid_shift=(0, 0),
    way=0,
    quality=40,
    tables=jpeg_tables.quantization_tables(40).astype(np.float32),
    misaligned=False,
    crop_shift=(0, 0),
  )._replace(**changes)
  return decisions.Decisions(*(tf.constant(field) for field in made))


def _apply(tile, config, made):
  """Returns compressed and clean after checking their shape."""
  images = damage.apply(tf.constant(tile), made, config)
  for image in images:
    assert (image.dtype, image.shape) == (tf.uint8, (config.crop_size, config.crop_size, 3))
  return tuple(image.numpy() for image in images)


def _jpeg(image, quality=40, subsampling="420"):
  return codec.decode(codec.encode(np.ascontiguousarray(image), quality, subsampling))


def _jpeg_by_tables(image, tables, subsampling):
  buffer = io.BytesIO()
  Image.fromarray(image).save(
    buffer,
    "JPEG",
    qtables=np.reshape(tables, (2, 64)).tolist(),
    subsampling=":".join(subsampling),
  )
  return codec.decode(buffer.getvalue())


def _cut(tile, size, row=_ROW, column=_COLUMN):
  return tile[row : row + size, column : column + size]


@pytest.fixture(scope="module")
def tile(photograph):
  return photograph(80, 96)


@pytest.mark.parametrize("jpeg", config_lib.JPEGS)
def test_a_crop_is_compressed_with_its_subsampling(tile, jpeg):
  config = _config(online_subsampling="420,422,444", jpeg=jpeg)
  for way, subsampling in enumerate(("420", "422", "444")):
    assert decisions.ways(config)[way].subsampling == subsampling
    for quality in (5, 95):
      tables = jpeg_tables.quantization_tables(quality).astype(np.float32)
      compressed, clean = _apply(tile, config, _history(way=way, quality=quality, tables=tables))
      np.testing.assert_array_equal(clean, _cut(tile, 24))
      np.testing.assert_array_equal(compressed, _jpeg(clean, quality, subsampling))


@pytest.mark.parametrize("subsampling", ["420", "444"])
def test_a_crop_is_compressed_by_an_encoders_tables(tile, subsampling):
  config = _config(online_subsampling="420,444", encoder_tables_share=0.5)
  way = decisions.ways(config).index(decisions.Way(subsampling, by_encoder=True))
  for encoder in ("photoshop_web_low", "mozjpeg"):
    tables = jpeg_encoders.quantization_tables(encoder, 30)
    made = _history(way=way, tables=tables.astype(np.float32))
    compressed, clean = _apply(tile, config, made)
    np.testing.assert_array_equal(compressed, _jpeg_by_tables(clean, tables, subsampling))
    assert (compressed != _jpeg(clean, 40, subsampling)).any()


def test_a_clean_crop_is_not_compressed(tile):
  config = _config(clean_share=0.5)
  way = decisions.ways(config).index(decisions.Way(""))
  compressed, clean = _apply(tile, config, _history(way=way))
  np.testing.assert_array_equal(compressed, clean)
  np.testing.assert_array_equal(clean, _cut(tile, 24))


def test_a_gray_crop_is_a_gray_jpeg_in_three_channels(tile):
  compressed, clean = _apply(tile, _config(gray_share=0.5), _history(gray=True))
  gray = codec.to_gray(_cut(tile, 24))
  np.testing.assert_array_equal(clean, np.repeat(gray, 3, axis=2))
  np.testing.assert_array_equal(compressed, _jpeg(gray))


def test_colours_change_before_compression_and_so_on_both_sides(tile):
  config = _config(channel_order_share=0.5, tone_share=0.5)
  compressed, clean = _apply(tile, config, _history(reordered=True, toned=True))
  reordered = tf.constant(_cut(tile, 24)[..., [2, 0, 1]])
  np.testing.assert_array_equal(clean, alterations.toned(reordered, 1.2, -10.0))
  np.testing.assert_array_equal(compressed, _jpeg(clean))
  untouched, _ = _apply(tile, config, _history())
  np.testing.assert_array_equal(untouched, _jpeg(_cut(tile, 24)))


@pytest.mark.parametrize("jpeg", config_lib.JPEGS)
def test_the_second_grid_is_shifted_against_the_first(tile, jpeg):
  made = _history(first=15, grid_shift=(3, 5))
  compressed, clean = _apply(tile, _config(double_share=0.5, jpeg=jpeg), made)
  once = _jpeg(_cut(tile, 32), 15)[3:27, 5:29]
  np.testing.assert_array_equal(clean, _cut(tile, 24, _ROW + 3, _COLUMN + 5))
  np.testing.assert_array_equal(compressed, _jpeg(once))
  assert (compressed != _jpeg(clean)).mean() > 0.3


def test_grids_may_be_the_same(tile):
  for config in (_config(double_share=0.5), _config(double_share=0.5, double_largest_shift=0)):
    compressed, clean = _apply(tile, config, _history(first=15))
    np.testing.assert_array_equal(clean, _cut(tile, 24))
    side = decisions.sizes(config).shifted
    np.testing.assert_array_equal(compressed, _jpeg(_jpeg(_cut(tile, side), 15)[:24, :24]))


def test_a_misaligned_crop_starts_within_a_block_of_its_jpeg(tile):
  made = _history(misaligned=True, crop_shift=(2, 7))
  compressed, clean = _apply(tile, _config(misaligned_share=0.5), made)
  np.testing.assert_array_equal(clean, _cut(tile, 24, _ROW + 2, _COLUMN + 7))
  np.testing.assert_array_equal(compressed, _jpeg(_cut(tile, 32))[2:26, 7:31])


def test_a_resized_crop_is_compressed_before_and_afterwards(tile):
  made = _history(first=20, resized=True)
  compressed, clean = _apply(tile, _config(resize_share=0.5), made)
  source = _cut(tile, 48)
  pair = tf.constant(np.stack([_jpeg(source, 20), source]))
  once, expected = alterations.resized(pair, tf.constant(0.6), 24).numpy()
  np.testing.assert_array_equal(clean, expected)
  np.testing.assert_array_equal(compressed, _jpeg(once))


def test_everything_may_happen_to_one_crop(tile):
  config = _config(
    **{"double_share": 0.5, "misaligned_share": 0.5, "gray_share": 0.5, "tone_share": 0.5},
    **{"resize_share": 0.5, "clean_share": 0.5, "online_subsampling": "420,444"},
  )
  way = decisions.ways(config).index(decisions.Way("444"))
  seen = {"first": 10, "gray": True, "toned": True, "misaligned": True, "crop_shift": (1, 6)}
  toned = alterations.toned(tf.constant(tile), 1.2, -10.0)
  tile_gray = np.repeat(codec.to_gray(toned.numpy()), 3, axis=2)

  compressed, clean = _apply(tile, config, _history(way=way, grid_shift=(4, 2), **seen))
  once = _jpeg(_cut(tile_gray, 40), 10)[4:36, 2:34]
  np.testing.assert_array_equal(clean, _cut(tile_gray, 24, _ROW + 5, _COLUMN + 8))
  np.testing.assert_array_equal(compressed, _jpeg(once, subsampling="444")[1:25, 6:30])

  compressed, clean = _apply(tile, config, _history(way=way, resized=True, **seen))
  source = _cut(tile_gray, 64)
  pair = tf.constant(np.stack([_jpeg(source, 10), source]))
  once, resized = alterations.resized(pair, tf.constant(0.6), 32).numpy()
  np.testing.assert_array_equal(clean, resized[1:25, 6:30])
  np.testing.assert_array_equal(compressed, _jpeg(once, subsampling="444")[1:25, 6:30])


def test_a_graph_makes_the_same(tile):
  config = _config(double_share=0.5, misaligned_share=0.5, gray_share=0.5, resize_share=0.5)
  traced = tf.function(
    lambda tile, fields: damage.apply(tile, decisions.Decisions(*fields), config)
  )
  for changes in (
    {},
    {"gray": True, "first": 10, "grid_shift": (4, 2)},
    {"first": 10, "resized": True, "misaligned": True, "crop_shift": (1, 6)},
  ):
    made = _history(**changes)
    inside = traced(tf.constant(tile), tuple(made))
    for image, alone in zip(inside, _apply(tile, config, made), strict=True):
      assert image.shape == (24, 24, 3)
      np.testing.assert_array_equal(image, alone)


def test_a_share_of_stored_crops_is_replaced_by_clean_ones():
  rng = np.random.default_rng(0)
  count = 400
  compressed, clean = rng.integers(0, 256, (2, count, 8, 8, 3)).astype(np.uint8)
  tables = rng.integers(2, 256, (count, 2, 8, 8)).astype(np.float32)
  stored = batch_lib.Batch(compressed, clean, tf.fill([count], 30), tf.constant(tables))
  config = _config(degradation="stored", clean_share=0.3, crops_per_tile=count)
  made = damage.some_unharmed(stored, config, 0, 4)
  replaced = (made.compressed.numpy() == clean).all(axis=(1, 2, 3))
  assert 90 < replaced.sum() < 150
  for part, kept, instead in zip(made, stored, (clean, clean, 100, 1), strict=True):
    np.testing.assert_array_equal(part[~replaced], kept[~replaced])
    expected = instead[replaced] if isinstance(instead, np.ndarray) else instead
    np.testing.assert_array_equal(part[replaced], np.broadcast_to(expected, part[replaced].shape))
  untouched = _config(degradation="stored", crops_per_tile=count)
  assert damage.some_unharmed(stored, untouched, 0, 4) is stored


@pytest.mark.parametrize("quality", [0, 101])
@pytest.mark.parametrize("subsampling", ["420", "444"])
def test_a_quality_that_is_none_is_an_error(tile, subsampling, quality):
  with pytest.raises(tf.errors.InvalidArgumentError, match=r"quality must be in \[1, 100\]"):
    degrade.compress_one(tf.constant(_cut(tile, 24)), tf.constant(quality), "libjpeg", subsampling)
