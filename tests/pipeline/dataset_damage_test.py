"""The stream with damage beyond one JPEG."""

import numpy as np
import pytest
import tensorflow as tf

from deblock.pipeline import batch as batch_lib
from deblock.pipeline import config as config_lib
from deblock.pipeline import damage, dataset
from deblock.records.jpeg import codec
from deblock.records.jpeg import tables as jpeg_tables

_SETTINGS = {
  "batch_size": 4,
  "crop_size": 24,
  "crops_per_tile": 4,
  "mixed_tiles": 2,
  "shuffled_tiles": 4,
}
_EVERYTHING = {
  "gray_share": 0.2,
  "clean_share": 0.2,
  "misaligned_share": 0.3,
  "double_share": 0.5,
  "resize_share": 0.3,
  "resize_smallest": 0.8,
  "channel_order_share": 0.5,
  "tone_share": 0.5,
  "online_subsampling": "420,444",
}


def _config(**changes):
  return config_lib.InputConfig(**{**_SETTINGS, "degradation": "online", **changes})


def _take(config, records, count, seed=0, **options):
  batches = dataset.training_dataset(config, records.manifest, seed, **options)
  return [batch_lib.Batch(*made) for made in batches.take(count).as_numpy_iterator()]


def _levels(images):
  """Returns the uint8 pixels behind float ones."""
  return np.rint(images * 255.0).astype(np.uint8)


def _assert_equal(ours, theirs):
  for one, other in zip(ours, theirs, strict=True):
    for part, expected in zip(one, other, strict=True):
      np.testing.assert_array_equal(part, expected)


def _crops(batches):
  """Yields quality, tables, and the bytes of compressed and clean, of each crop."""
  for made in batches:
    compressed, clean = _levels(made.compressed), _levels(made.clean)
    yield from zip(made.quality.tolist(), made.tables, compressed, clean, strict=True)


@pytest.fixture(scope="module")
def everything(records, batch_spec):
  """Eight batches with nearly everything on: encoders' tables would take long to compile."""
  batches = dataset.training_dataset(_config(**_EVERYTHING), records.manifest, 1)
  assert batches.element_spec == batch_spec(4, 24)
  return [batch_lib.Batch(*made) for made in batches.take(8).as_numpy_iterator()]


def test_batches_are_as_their_spec_says(everything):
  for made in everything:
    assert (made.tables == np.clip(np.rint(made.tables), 1, 255)).all()
    assert ((made.quality >= 1) & (made.quality <= 100)).all()
    for images in (made.compressed, made.clean):
      np.testing.assert_allclose(images * 255.0, _levels(images), atol=1e-4)
      assert images.min() >= 0.0
      assert images.max() <= 1.0


def test_the_stream_depends_neither_on_threads_nor_on_where_it_is_entered(records, everything):
  config = _config(**_EVERYTHING)
  options = tf.data.Options()
  options.threading.private_threadpool_size = 1
  options.threading.max_intra_op_parallelism = 1
  batches = dataset.training_dataset(config, records.manifest, 1, first_batch=5)
  entered = [
    batch_lib.Batch(*made) for made in batches.with_options(options).take(3).as_numpy_iterator()
  ]
  _assert_equal(entered, everything[5:])


def test_the_crops_of_a_tile_are_the_same_alone(whole_tiles):
  """Of tiles as large as crops, with nothing that needs surroundings."""
  config = _config(
    **{"crop_size": 32, "crops_per_tile": 2, "mixed_tiles": 1, "batch_size": 2, "augment": False},
    **{"gray_share": 0.4, "tone_share": 0.4, "clean_share": 0.3},
  )
  crops_of = tf.function(lambda tile, index: damage.random_crops(tile, config, 0, index))
  tiles = [tf.constant(tile) for tile in whole_tiles.tiles["train"]]
  for index, made in enumerate(_take(config, whole_tiles, 3)):
    # Whichever tile the order of the stream has put there, and whichever crop comes first.
    found = {(compressed.tobytes(), clean.tobytes()) for _, _, compressed, clean in _crops([made])}
    possible = []
    for tile in tiles:
      alone = crops_of(tile, tf.constant(index, tf.int64))
      pairs = zip(alone.compressed.numpy(), alone.clean.numpy(), strict=True)
      possible.append({(one.tobytes(), other.tobytes()) for one, other in pairs})
    assert found in possible


def test_crops_to_which_nothing_happens_are_those_of_the_stream_without_it(records):
  changes = {"misaligned_share": 0.3, "double_share": 0.3, "clean_share": 0.2}
  usual = list(_crops(_take(_config(), records, 8)))
  changed = list(_crops(_take(_config(**changes), records, 8)))
  same = [
    all(np.array_equal(part, other) for part, other in zip(one, another, strict=True))
    for one, another in zip(usual, changed, strict=True)
  ]
  # 0.7 * 0.7 * 0.8 of them, of 32.
  assert 5 < sum(same) < 22


def test_clean_crops_equal_their_clean_side_and_say_so(records):
  for degradation in ("online", "stored"):
    made = _take(_config(degradation=degradation, clean_share=0.5), records, 8)
    clean_crops = 0
    for quality, tables, compressed, clean in _crops(made):
      is_clean = bool((tables == 1).all())
      assert is_clean == (quality == 100)
      assert is_clean == np.array_equal(compressed, clean)
      clean_crops += is_clean
    assert 7 < clean_crops < 25


def test_gray_crops_are_gray_on_both_sides_and_the_others_are_not(records):
  gray_crops = 0
  for quality, _, compressed, clean in _crops(_take(_config(gray_share=0.5), records, 8)):
    gray = [(image == image[..., :1]).all() for image in (compressed, clean)]
    assert gray[0] == gray[1]
    gray_crops += gray[0]
    expected = codec.encode(clean[..., :1] if gray[0] else clean, quality)
    np.testing.assert_array_equal(compressed, codec.decode(expected))
  assert 7 < gray_crops < 25


def test_stored_crops_may_start_off_the_grid(records):
  """A share of the crops; the others are those of the stream without it."""
  settings = {"degradation": "stored", "augment": False, "qualities": (10,)}
  usual = _take(_config(**settings), records, 8)
  changed = _take(_config(misaligned_share=0.5, **settings), records, 8)
  jpegs = [(tile, codec.decode(codec.encode(tile, 10))) for tile in records.tiles["train"]]
  places = {
    tile[row : row + 24, column : column + 24].tobytes(): (row, column, jpeg)
    for tile, jpeg in jpegs
    for row in range(25)
    for column in range(41)
  }
  moved = 0
  for (*_, compressed, clean), (*_, before) in zip(_crops(changed), _crops(usual), strict=True):
    row, column, jpeg = places[clean.tobytes()]
    np.testing.assert_array_equal(compressed, jpeg[row : row + 24, column : column + 24])
    is_moved = bool(row % 8 or column % 8)
    assert is_moved or np.array_equal(clean, before)
    moved += is_moved
  assert 7 < moved < 25


@pytest.mark.parametrize("augment", [False, True])
def test_stored_crops_may_start_where_chroma_blocks_do(tmp_path, write_records, augment):
  # Of 56 pixels 48 are whole units of 16: flipping all 56 would move the units.
  made = write_records(tmp_path, {"train": [1]}, size=(56, 56), qualities=(10,))
  (tile,) = made.tiles["train"]
  config = _config(degradation="stored", crop_size=16, crop_grid=16, augment=augment)
  cropped = {
    np.ascontiguousarray(turned[row : row + 16, column : column + 16]).tobytes()
    for flipped in (tile[:48, :48], tile[:48, :48][::-1])
    for mirrored in (flipped, flipped[:, ::-1])
    for turned in (mirrored, mirrored.swapaxes(0, 1))
    for row in (0, 16, 32)
    for column in (0, 16, 32)
  }
  found = {clean.tobytes() for *_, clean in _crops(_take(config, made, 8))}
  assert found <= cropped
  assert len(found) > 5


def test_tables_are_those_that_were_used(records):
  """Of an encoder's tables the quality is the nearest one; of others it is their own."""
  made = _take(_config(encoder_tables_share=0.5, crop_size=16), records, 8)
  own = [
    not np.array_equal(tables, jpeg_tables.quantization_tables(quality))
    for quality, tables, _, _ in _crops(made)
  ]
  assert 7 < sum(own) < 25
  for quality, tables, compressed, clean in _crops(made):
    if np.array_equal(tables, jpeg_tables.quantization_tables(quality)):
      np.testing.assert_array_equal(compressed, codec.decode(codec.encode(clean, quality)))


def test_surroundings_larger_than_the_tiles_are_an_error(records):
  batches = dataset.training_dataset(_config(resize_share=0.1, crop_size=32), records.manifest, 0)
  message = "crop_size is larger than a tile of the records: cropping takes 64 pixels"
  with pytest.raises(tf.errors.InvalidArgumentError, match=message):
    next(iter(batches))
