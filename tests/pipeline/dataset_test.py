import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from deblock.pipeline import batch as batch_lib
from deblock.pipeline import config as config_lib
from deblock.pipeline import dataset, held_out, pairs
from deblock.records.jpeg import codec
from deblock.records.jpeg import tables as jpeg_tables
from deblock.records.layout import schema

_SETTINGS = {
  "batch_size": 4,
  "crop_size": 24,
  "crops_per_tile": 4,
  "mixed_tiles": 2,
  "shuffled_tiles": 4,
}


def _config(**changes):
  return config_lib.InputConfig(**{**_SETTINGS, **changes})


def _whole(**changes):
  """Returns a config whose crops are whole tiles of 32 pixels, each once an epoch."""
  return _config(
    **{"crop_size": 32, "crops_per_tile": 1, "mixed_tiles": 1, "batch_size": 1, **changes}
  )


def _take(batches, count):
  return [batch_lib.Batch(*made) for made in batches.take(count).as_numpy_iterator()]


def _assert_equal(ours, theirs):
  assert len(ours) == len(theirs) > 0
  for one, other in zip(ours, theirs, strict=True):
    for part, expected in zip(one, other, strict=True):
      np.testing.assert_array_equal(part, expected)


def _levels(images):
  """Returns the uint8 pixels behind float ones."""
  return np.rint(images * 255.0).astype(np.uint8)


def _differ(ours, theirs):
  return any((one.clean != other.clean).any() for one, other in zip(ours, theirs, strict=True))


@pytest.fixture(scope="module")
def through(records):
  """The first batches of the stream of each sampling with seed 1."""
  return {
    sampling: _take(dataset.training_dataset(_config(sampling=sampling), records.manifest, 1), 4)
    for sampling in ("crops", "pairs")
  }


@pytest.mark.parametrize("sampling", ["crops", "pairs"])
def test_batches_are_as_their_spec_says(records, through, sampling, batch_spec):
  batches = dataset.training_dataset(_config(sampling=sampling), records.manifest, 0)
  assert isinstance(batches.element_spec, batch_lib.Batch)
  assert batches.element_spec == batch_spec(4, 24)
  for made in through[sampling]:
    for images in (made.compressed, made.clean):
      assert images.shape == (4, 24, 24, 3)
      assert images.dtype == np.float32
      assert images.min() >= 0.0
      assert 0.2 < images.max() <= 1.0
      np.testing.assert_allclose(images * 255.0, _levels(images), atol=1e-4)
    assert (made.quality.dtype, made.tables.dtype) == (np.int32, np.float32)
    for quality, tables in zip(made.quality, made.tables, strict=True):
      expected = jpeg_tables.quantization_tables(int(quality))
      assert np.array_equal(tables, expected) or np.array_equal(tables, expected.swapaxes(1, 2))


@pytest.mark.parametrize("sampling", ["crops", "pairs"])
def test_batches_of_bytes_are_those_of_floats(records, through, sampling, batch_spec):
  batches = dataset.training_dataset(_config(sampling=sampling), records.manifest, 1, floats=False)
  assert batches.element_spec == batch_spec(4, 24, tf.uint8)
  made = [batch_lib.to_float(one) for one in batches.take(3)]
  _assert_equal(made, through[sampling][:3])


@pytest.mark.parametrize("sampling", ["crops", "pairs"])
def test_a_host_may_make_smaller_batches_of_the_same_stream(records, through, sampling):
  config = _config(sampling=sampling)
  halves = _take(dataset.training_dataset(config, records.manifest, 1, batch_size=2), 8)
  for part in range(4):
    np.testing.assert_array_equal(
      np.concatenate([made[part] for made in through[sampling][:4]]),
      np.concatenate([made[part] for made in halves]),
    )


def test_the_seed_decides_the_stream(records, through):
  other = _take(dataset.training_dataset(_config(), records.manifest, 2), 2)
  assert _differ(other, through["crops"][:2])


def test_each_epoch_holds_every_tile_in_an_order_of_its_own(whole_tiles):
  stored = {tile.tobytes() for tile in whole_tiles.tiles["train"]}
  made = _take(dataset.training_dataset(_whole(augment=False), whole_tiles.manifest, 0), 14)
  seen = [_levels(one.clean[0]).tobytes() for one in made]
  assert set(seen[:7]) == set(seen[7:]) == stored
  assert seen[:7] != seen[7:]


def test_an_unturned_crop_of_a_whole_tile_is_the_jpeg_of_its_original(whole_tiles):
  batches = dataset.training_dataset(_whole(augment=False), whole_tiles.manifest, 0)
  qualities = set()
  for made in _take(batches, 14):
    expected = codec.decode(codec.encode(_levels(made.clean[0]), int(made.quality[0])))
    np.testing.assert_array_equal(_levels(made.compressed[0]), expected)
    qualities.add(int(made.quality[0]))
  assert qualities == {10, 30}


def test_a_turned_crop_is_the_jpeg_of_its_original_turned_the_same_way(whole_tiles):
  """Turning a crop back by its table leaves four flips; one of them is a stored tile."""
  stored = {tile.tobytes() for tile in whole_tiles.tiles["train"]}
  batches = dataset.training_dataset(_whole(), whole_tiles.manifest, 0)
  transposed_crops = 0
  for made in _take(batches, 14):
    quality = int(made.quality[0])
    clean, compressed = _levels(made.clean[0]), _levels(made.compressed[0])
    if not np.array_equal(made.tables[0], jpeg_tables.quantization_tables(quality)):
      transposed_crops += 1
      clean, compressed = clean.swapaxes(0, 1), compressed.swapaxes(0, 1)
    for rows, columns in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
      flipped = np.ascontiguousarray(clean[::rows, ::columns])
      if flipped.tobytes() in stored:
        expected = codec.decode(codec.encode(flipped, quality))
        np.testing.assert_array_equal(compressed[::rows, ::columns], expected)
        break
    else:
      pytest.fail("a crop is no flip of a stored tile")
  assert 0 < transposed_crops < 14


def test_crops_come_from_the_same_place_of_both_images(records):
  batches = dataset.training_dataset(_config(augment=False), records.manifest, 0)
  tiles = records.tiles["train"]
  jpegs = {
    (number, quality): codec.decode(codec.encode(tile, quality))
    for number, tile in enumerate(tiles)
    for quality in (10, 30)
  }
  places = {
    tile[row : row + 24, column : column + 24].tobytes(): (number, row, column)
    for number, tile in enumerate(tiles)
    for row in range(0, 25, 8)
    for column in range(0, 41, 8)
  }
  seen = set()
  for made in _take(batches, 14):
    for clean, compressed, quality in zip(made.clean, made.compressed, made.quality, strict=True):
      number, row, column = places[_levels(clean).tobytes()]
      jpeg = jpegs[number, int(quality)]
      expected = jpeg[row : row + 24, column : column + 24]
      np.testing.assert_array_equal(_levels(compressed), expected)
      seen.add(number)
  assert seen == set(range(7))


def test_a_window_mixes_the_crops_of_its_tiles(whole_tiles):
  config = _whole(crop_size=8, crops_per_tile=16, mixed_tiles=7, batch_size=16, augment=False)
  owners = {
    tile[row : row + 8, column : column + 8].tobytes(): number
    for number, tile in enumerate(whole_tiles.tiles["train"])
    for row in range(0, 32, 8)
    for column in range(0, 32, 8)
  }
  made = _take(dataset.training_dataset(config, whole_tiles.manifest, 0), 7)
  found = [[owners[_levels(clean).tobytes()] for clean in one.clean] for one in made]
  assert min(len(set(owner)) for owner in found) >= 4
  assert np.bincount([number for owner in found for number in owner]).tolist() == [16] * 7


def test_only_wanted_qualities_are_made(records):
  batches = dataset.training_dataset(_config(qualities=(30,)), records.manifest, 0)
  assert {int(quality) for made in _take(batches, 6) for quality in made.quality} == {30}


def test_an_epoch_of_pairs_is_every_pair_that_is_not_held_out(records):
  config = _config(
    sampling="pairs", batch_size=12, held_out_pairs=0.25, augment=False, qualities=(10,)
  )
  made = _take(dataset.training_dataset(config, records.manifest, 0), 42)
  tiles = records.tiles["train"]
  clean = np.concatenate([pairs.cut_all(tile, 24).numpy() for tile in tiles])[84:]
  compressed = np.concatenate(
    [pairs.cut_all(codec.decode(codec.encode(tile, 10)), 24).numpy() for tile in tiles]
  )[84:]
  expected = [
    (one.tobytes(), other.tobytes()) for one, other in zip(clean, compressed, strict=True)
  ]
  found = [
    (_levels(one).tobytes(), _levels(other).tobytes())
    for batch in made
    for one, other in zip(batch.clean, batch.compressed, strict=True)
  ]
  first, second = found[:252], found[252:]
  assert sorted(first) == sorted(second) == sorted(expected)
  assert len({tuple(first), tuple(second), tuple(expected)}) == 3


def test_shards_without_records_do_not_move_the_entry_into_the_stream(tmp_path, write_records):
  made = write_records(tmp_path, {"train": [2, 0, 1, 3]}, size=(32, 32))
  settings = {"host": 0, "hosts": 2}
  from_start = _take(dataset.training_dataset(_whole(), made.manifest, 0, **settings), 12)
  entered = dataset.training_dataset(_whole(), made.manifest, 0, first_batch=9, **settings)
  _assert_equal(_take(entered, 3), from_start[9:])


def test_what_cannot_be_made_is_refused(tmp_path, records, write_records):
  make = dataset.training_dataset
  with pytest.raises(ValueError, match=r"has 3 training shards for 4 hosts, .* --shards=4 or more"):
    make(_config(), records.manifest, 0, hosts=4)
  message = r"qualities \[20, 40\] are not stored in .*, which holds \[10, 30\]"
  with pytest.raises(ValueError, match=message):
    make(_config(qualities=(40, 10, 20)), records.manifest, 0)
  with pytest.raises(ValueError, match=r"times mixed_tiles, 8, must be a multiple .* batch of 3"):
    make(_config(), records.manifest, 0, batch_size=3)
  with pytest.raises(ValueError, match=r"odd multiple of 8 with sampling=pairs, .*, got 32"):
    make(_config(sampling="pairs", crop_size=32), records.manifest, 0)
  empty = write_records(tmp_path, {"train": [0], "test": [1]})
  with pytest.raises(ValueError, match=f"{tmp_path} holds no training records"):
    make(_config(), empty.manifest, 0)
  without = write_records(tmp_path, {"test": [1]})
  with pytest.raises(ValueError, match="has no split 'train'"):
    make(_config(), without.manifest, 0)


def test_a_crop_larger_than_the_tiles_is_an_error(records):
  batches = dataset.training_dataset(_config(crop_size=56), records.manifest, 0)
  with pytest.raises(tf.errors.InvalidArgumentError, match="crop_size is larger than a tile"):
    next(iter(batches))


def test_pairs_of_tiles_or_on_several_hosts_are_refused(records):
  config = _config(sampling="pairs")
  with pytest.raises(ValueError, match=r"one host, .* got 2"):
    dataset.training_dataset(config, records.manifest, 0, hosts=2)
  tiles = dataclasses.replace(
    records.manifest, settings={**records.manifest.settings, "tile_size": 64}
  )
  for refused in (
    lambda: dataset.training_dataset(config, tiles, 0),
    lambda: held_out.tiles(config, tiles, 1),
    lambda: held_out.images(config, tiles),
  ):
    with pytest.raises(ValueError, match=r"tiles of 64 pixels.*--tile_size=0"):
      refused()


def test_what_is_passed_over_is_not_decoded(tmp_path, write_records):
  made = write_records(tmp_path, {"train": [1, 1]}, size=(32, 32))
  config = _whole(shuffled_tiles=1, augment=False)
  (first,) = _take(dataset.training_dataset(config, made.manifest, 0), 1)
  for path in made.manifest.shard_paths("train"):
    (serialized,) = tf.data.TFRecordDataset(path).as_numpy_iterator()
    value = schema.from_example(serialized, "raw")
    if np.array_equal(value.clean, _levels(first.clean[0])):
      damaged = dataclasses.replace(value, compressed=(b"damaged", b"damaged"))
      with tf.io.TFRecordWriter(path) as writer:
        writer.write(schema.to_example(damaged, "raw"))
  with pytest.raises(tf.errors.InvalidArgumentError):
    _take(dataset.training_dataset(config, made.manifest, 0), 1)
  assert len(_take(dataset.training_dataset(config, made.manifest, 0, first_batch=1), 1)) == 1


def test_clean_tiles_may_be_stored_either_way(tmp_path, write_records):
  batches = []
  for clean_encoding in ("raw", "png"):
    folder = tmp_path / clean_encoding
    folder.mkdir()
    made = write_records(folder, {"train": [2]}, clean_encoding=clean_encoding)
    batches += _take(dataset.training_dataset(_config(), made.manifest, 0), 1)
  for raw, png in zip(*batches, strict=True):
    np.testing.assert_array_equal(raw, png)


def test_qualities_drawn_for_each_tile_cannot_be_chosen_from(records):
  drawn = dataclasses.replace(
    records.manifest, settings={**records.manifest.settings, "qualities_per_tile": 1}
  )
  message = r"qualities \[10\] cannot be chosen from .*, whose tiles hold 1 of 2 qualities"
  with pytest.raises(ValueError, match=message):
    dataset.training_dataset(_config(qualities=(10,)), drawn, 0)
  dataset.training_dataset(_config(qualities=(10, 30)), drawn, 0)


def test_an_epoch_takes_every_tiles_crops_or_every_pair_that_is_not_held_out(records):
  # Seven training tiles of 48x64 pixels, which are 48 blocks each.
  assert dataset.crops_per_epoch(config_lib.InputConfig(crops_per_tile=4), records.manifest) == 28
  whole = config_lib.InputConfig(sampling="pairs", held_out_pairs=0.0)
  assert dataset.crops_per_epoch(whole, records.manifest) == 7 * 48
  part = config_lib.InputConfig(sampling="pairs", held_out_pairs=0.5)
  assert dataset.crops_per_epoch(part, records.manifest) == pytest.approx(7 * 24)
