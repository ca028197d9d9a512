import os
import pathlib

import pytest

from deblock.records.writing import running, shard

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


def test_only_what_is_missing_is_written(unwritten, shards):
  first = shard.write_shard(shards[1], unwritten, unwritten.records)
  path = pathlib.Path(unwritten.records) / shards[1].name
  before = path.stat().st_mtime_ns
  results = running.run(shards, unwritten, workers=1)
  assert [result.shard.file for result in results] == [item.name for item in shards]
  assert results[1] == first
  assert path.stat().st_mtime_ns == before


def test_where_all_is_there_no_pipeline_runs(unwritten, shards, monkeypatch):
  results = running.run(shards, unwritten, workers=1)
  monkeypatch.setattr(running, "_run_pipeline", None)
  assert running.run(shards, unwritten, workers=1) == results


def test_a_failing_disk_is_named_and_what_was_finished_is_kept(unwritten, shards, monkeypatch):
  write = shard.write_shard

  def fail(item, *arguments):
    if item.index == 2:
      raise OSError(28, "No space left on device", item.name)
    return write(item, *arguments)

  monkeypatch.setattr(shard, "write_shard", fail)
  message = r"^\[Errno 28\] No space left on device: '.*'\. Finished shards are kept"
  with pytest.raises(RuntimeError, match=message):
    running.run(shards, unwritten, workers=1)
  assert [shard.finished(item, unwritten, unwritten.records) is None for item in shards] == [
    False,
    False,
    True,
  ]
