import pathlib
import threading

import pytest

from deblock.records import listing, plan, progress, shard


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


def test_each_shard_is_reported_up_to_the_last(config, shards):
  sizes = [shard.write_shard(shards[0], config, config.records).shard.size_bytes]
  seen = []
  second = threading.Event()

  def on_progress(now):
    seen.append(now)
    if now.shards == 2:
      second.set()

  with progress.watch(shards, config, on_progress):
    sizes.append(shard.write_shard(shards[1], config, config.records).shard.size_bytes)
    assert second.wait(timeout=30)
    sizes.append(shard.write_shard(shards[2], config, config.records).shard.size_bytes)
  assert seen == [progress.Progress(n, 3, n, sum(sizes[:n])) for n in (1, 2, 3)]


def test_a_failure_ends_the_watch_without_a_last_report(config, shards):
  seen = []
  with (
    pytest.raises(RuntimeError, match="stop"),
    progress.watch(shards, config, lambda now: seen.append(now.shards)),
  ):
    raise RuntimeError("stop")
  assert seen == [0]
  assert not [thread for thread in threading.enumerate() if thread.name == "progress"]


def test_an_unfinished_shard_does_not_count(config, shards):
  (pathlib.Path(config.records) / shards[0].name).write_bytes(b"of an earlier run")
  seen = []
  with progress.watch(shards, config, seen.append):
    pass
  assert seen == [progress.Progress(0, 3, 0, 0)]


def test_nobody_need_watch(config, shards):
  with progress.watch(shards, config, None):
    pass
