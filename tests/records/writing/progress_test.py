import pathlib
import threading

import pytest

from deblock.records.writing import progress, shard


def test_each_shard_is_reported_up_to_the_last(unwritten, shards):
  sizes = [shard.write_shard(shards[0], unwritten, unwritten.records).shard.size_bytes]
  seen = []
  second = threading.Event()

  def on_progress(now):
    seen.append(now)
    if now.shards == 2:
      second.set()

  with progress.watch(shards, unwritten, on_progress):
    sizes.append(shard.write_shard(shards[1], unwritten, unwritten.records).shard.size_bytes)
    assert second.wait(timeout=30)
    sizes.append(shard.write_shard(shards[2], unwritten, unwritten.records).shard.size_bytes)
  assert seen == [progress.Progress(n, 3, n, sum(sizes[:n])) for n in (1, 2, 3)]


def test_a_failure_ends_the_watch_without_a_last_report(unwritten, shards):
  seen = []
  with (
    pytest.raises(RuntimeError, match="stop"),
    progress.watch(shards, unwritten, lambda now: seen.append(now.shards)),
  ):
    raise RuntimeError("stop")
  assert seen == [0]
  assert not [thread for thread in threading.enumerate() if thread.name == "progress"]


def test_an_unfinished_shard_does_not_count(unwritten, shards):
  (pathlib.Path(unwritten.records) / shards[0].name).write_bytes(b"of an earlier run")
  seen = []
  with progress.watch(shards, unwritten, seen.append):
    pass
  assert seen == [progress.Progress(0, 3, 0, 0)]


def test_nobody_need_watch(unwritten, shards):
  threads = threading.active_count()
  with progress.watch(shards, unwritten, None):
    assert threading.active_count() == threads
