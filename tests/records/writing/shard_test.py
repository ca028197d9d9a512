import pathlib

import numpy as np
import pytest
import tensorflow as tf

from deblock.records.jpeg import codec
from deblock.records.layout import schema
from deblock.records.planning import hashing, plan
from deblock.records.sources import listing, source_image
from deblock.records.writing import shard


@pytest.fixture
def folder(tmp_path, write_images):
  write_images(tmp_path / "images")
  (tmp_path / "images" / "empty.png").write_bytes(b"")
  (tmp_path / "out" / shard.SIDECARS).mkdir(parents=True)
  return tmp_path


@pytest.fixture
def item(folder):
  return plan.ShardPlan("train", 0, 1, listing.from_pattern(str(folder / "images")))


@pytest.fixture
def config(folder, small_config):
  return small_config(folder / "images", folder / "out")


def _triples(folder, item):
  dataset = tf.data.TFRecordDataset(str(folder / "out" / item.name))
  return [schema.from_example(record.numpy(), "raw") for record in dataset]


def test_a_shard_holds_every_tile_at_every_quality(folder, item, config, photograph):
  result = shard.write_shard(item, config, config.records)
  triples = {value.key: value for value in _triples(folder, item)}
  assert len(triples) == result.shard.count == sum(image.tiles for image in result.images) == 15
  image = photograph(64, 96, 0)
  value = triples["0.png/16/48"]
  np.testing.assert_array_equal(value.clean, image[16:64, 48:96])
  assert value.compressed == tuple(codec.encode(value.clean, quality) for quality in (10, 20))


def test_the_order_is_a_shuffle_that_the_seed_decides(folder, item, config, small_config):
  shard.write_shard(item, config, config.records)
  first = [value.key for value in _triples(folder, item)]
  other = small_config(folder / "images", folder / "out", seed=1)
  shard.write_shard(item, other, config.records)
  second = [value.key for value in _triples(folder, item)]
  assert sorted(first) == sorted(second)
  assert first not in (second, sorted(first))


def test_bad_images_are_noted_and_cost_no_other(folder, item, small_config):
  config = small_config(folder / "images", folder / "out", tile_size=64)
  result = shard.write_shard(item, config, config.records)
  assert [image.id for image in result.images] == ["0.png", "4.png"]
  assert {bad.id: bad.reason for bad in result.skipped} == {
    "1.png": "is 48x48 pixels, smaller than one 64x64 tile; use a smaller --tile_size",
    "2.png": "is 50x70 pixels, smaller than one 64x64 tile; use a smaller --tile_size",
    "3.png": "is 80x48 pixels, smaller than one 64x64 tile; use a smaller --tile_size",
    "empty.png": "cannot be read as an image: the file is empty",
  }


def test_whole_images_keep_their_sizes(folder, item, small_config):
  config = small_config(folder / "images", folder / "out", tile_size=0)
  shard.write_shard(item, config, config.records)
  shapes = {value.key: value.clean.shape for value in _triples(folder, item)}
  assert shapes["2.png/0/0"] == (70, 50, 3)


def test_a_finished_shard_is_not_made_again(folder, item, config):
  result = shard.write_shard(item, config, config.records)
  path = folder / "out" / item.name
  before = path.stat().st_mtime_ns
  for image in (folder / "images").iterdir():
    image.unlink()
  assert shard.write_shard(item, config, config.records) == result
  assert path.stat().st_mtime_ns == before


@pytest.mark.parametrize("damage", ["shard", "sidecar", "length", "text", "settings"])
def test_a_shard_that_is_not_whole_is_made_again(folder, item, config, small_config, damage):
  shard.write_shard(item, config, config.records)
  path = folder / "out" / item.name
  sidecar = pathlib.Path(shard.sidecar_path(item, config.records))
  before = path.read_bytes()
  if damage == "shard":
    path.unlink()
  elif damage == "sidecar":
    sidecar.unlink()
  elif damage == "length":
    path.write_bytes(before[:-1])
  elif damage == "text":
    sidecar.write_text("{")
  else:
    config = small_config(folder / "images", folder / "out", subsampling="444")
  assert shard.finished(item, config, config.records) is None
  shard.write_shard(item, config, config.records)
  assert shard.finished(item, config, config.records) is not None
  assert (path.read_bytes() == before) == (damage != "settings")


def test_nothing_temporary_is_left(folder, item, config):
  shard.write_shard(item, config, config.records)
  names = [path.name for path in (folder / "out").rglob("*") if path.is_file()]
  assert sorted(names) == [item.name, f"{item.name}.json"]


def _numbered(count):
  return [(f"image/{number}", bytes([number % 256]) * (10 + number % 7)) for number in range(count)]


def _order(records, seed, buffer_bytes):
  return list(shard.shuffled(iter(records), seed, buffer_bytes))


def test_what_fits_stands_in_the_order_of_the_hashes():
  records = _numbered(50)
  by_hash = sorted(records, key=lambda record: hashing.stable_hash(3, record[0]))
  assert _order(records, 3, 10**6) == [record for _, record in by_hash]
  assert _order(records[::-1], 3, 10**6) == [record for _, record in by_hash]


@pytest.mark.parametrize("buffer_bytes", [0, 1, 100, 1000, 10**6])
def test_every_record_comes_out_once(buffer_bytes):
  records = _numbered(200)
  found = _order(records, 0, buffer_bytes)
  assert sorted(found) == sorted(record for _, record in records)


def test_the_seed_decides_the_order():
  records = _numbered(200)
  assert _order(records, 0, 500) == _order(records, 0, 500)
  assert _order(records, 0, 500) != _order(records, 1, 500)


def test_no_more_is_held_than_the_buffer_takes():
  held = 0
  most = 0

  def counted():
    nonlocal held, most
    for key, record in _numbered(300):
      held += len(record)
      most = max(most, held)
      yield key, record

  for record in shard.shuffled(counted(), 0, 400):
    held -= len(record)
  assert held == 0
  assert 300 < most <= 400 + 16


def test_a_full_buffer_still_mixes_far():
  records = [(f"image/{number}", number.to_bytes(4, "big")) for number in range(2000)]
  found = [int.from_bytes(record, "big") for record in _order(records, 0, 4 * 200)]
  moved = [abs(place - number) for place, number in enumerate(found)]
  assert sum(moved) / len(moved) > 100


def test_a_plan_comes_back_as_it_was(tmp_path):
  images = (
    source_image.SourceImage("é/1.png", "/p/é/1.png", "g", "c"),
    source_image.SourceImage.alone("b", "c"),
  )
  item = plan.ShardPlan("test", 3, 7, images)
  path = shard.save_plan(item, str(tmp_path))
  assert path == f"{tmp_path}/deblock-test.tfrecord-00003-of-00007.plan.json"
  assert shard.load_plan(path) == item


def test_a_missing_plan_is_named(tmp_path):
  with pytest.raises(FileNotFoundError, match=r"none\.plan\.json"):
    shard.load_plan(str(tmp_path / "none.plan.json"))
