import os
import pathlib

import pytest

from deblock.records import listing, plan, running, shard

GIB = 2**30


@pytest.mark.parametrize(
  ("workers", "shards", "total_bytes", "expected"),
  [
    (3, 10, 0, 3),
    (3, 2, 100 * GIB, 2),
    (0, 10, 0, 1),
    (0, 10**6, 10**6 * GIB, os.cpu_count()),
    (0, 1, 10**6 * GIB, 1),
    (2, 0, 0, 1),
  ],
)
def test_the_number_of_workers(workers, shards, total_bytes, expected):
  assert running.worker_count(workers, shards, total_bytes) == expected


@pytest.fixture
def config(tmp_path, write_images, small_config):
  images = write_images(tmp_path / "images", sizes=((48, 48),) * 3)
  (tmp_path / "out" / shard.SIDECARS).mkdir(parents=True)
  return small_config(images, tmp_path / "out", test_share=0.0)


@pytest.fixture
def shards(config):
  """Three shards of a tile each."""
  images = listing.from_pattern(config.images)
  splits = plan.assign_splits(images, 0.0)
  return plan.make_plan(images, splits, {"train": 3, "test": 0}).shards


def test_only_what_is_missing_is_written(config, shards):
  first = shard.write_shard(shards[1], config, config.records)
  path = pathlib.Path(config.records) / shards[1].name
  before = path.stat().st_mtime_ns
  results = running.run(shards, config, workers=1)
  assert [result.shard.file for result in results] == [item.name for item in shards]
  assert results[1] == first
  assert path.stat().st_mtime_ns == before


def test_where_all_is_there_no_pipeline_runs(config, shards, monkeypatch):
  results = running.run(shards, config, workers=1)
  monkeypatch.setattr(running, "_run_pipeline", None)
  assert running.run(shards, config, workers=1) == results


def test_a_failing_disk_is_named_and_what_was_finished_is_kept(config, shards, monkeypatch):
  write = shard.write_shard

  def fail(item, *arguments):
    if item.index == 2:
      raise OSError(28, "No space left on device", item.name)
    return write(item, *arguments)

  monkeypatch.setattr(shard, "write_shard", fail)
  message = r"^\[Errno 28\] No space left on device: '.*'\. Finished shards are kept"
  with pytest.raises(RuntimeError, match=message):
    running.run(shards, config, workers=1)
  assert [shard.finished(item, config, config.records) is None for item in shards] == [
    False,
    False,
    True,
  ]
