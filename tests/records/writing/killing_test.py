"""A writer that is killed: what a reader sees then, and what the next run does."""

import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest
import tensorflow as tf

from deblock.records.layout import manifest
from deblock.records.writing import writer


def _shards(place):
  return {path.name: path for path in pathlib.Path(place).glob("deblock-*")}


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_run_leaves_whole_shards_and_the_next_one_does_the_rest(
  tmp_path, write_images, small_config, workers
):
  images = write_images(tmp_path / "images", sizes=((64, 96),) * 8)
  # Very many tiles, so that the run lasts long enough to be killed in the middle.
  changes = {"shards": "8", "test_share": 0.0, "stride": 2, "near_duplicate_bits": -1}
  expected = writer.write(small_config(images, tmp_path / "expected", workers=1, **changes))
  config = small_config(images, tmp_path / "killed", workers=workers, **changes)
  program = f"""
from deblock.records.planning import config
from deblock.records.writing import writer
if __name__ == "__main__":
  writer.write(config.{config!r})
"""
  (tmp_path / "job.py").write_text(program)
  # A group of its own, so that the workers are killed with it.
  job = subprocess.Popen([sys.executable, str(tmp_path / "job.py")], start_new_session=True)
  deadline = time.monotonic() + 300
  while not _shards(config.records) and job.poll() is None and time.monotonic() < deadline:
    time.sleep(0.01)
  os.killpg(job.pid, signal.SIGKILL)
  assert job.wait() == -signal.SIGKILL
  finished = _shards(config.records)
  assert 0 < len(finished) < 8
  for name, path in finished.items():
    assert path.read_bytes() == (tmp_path / "expected" / name).read_bytes()
    assert sum(1 for _ in tf.data.TFRecordDataset(str(path))) > 0
  with pytest.raises(FileNotFoundError, match="writing was interrupted"):
    manifest.load(config.records)
  before = {name: path.stat().st_mtime_ns for name, path in finished.items()}
  made = writer.write(config)
  assert made == expected
  after = _shards(config.records)
  assert {name: after[name].stat().st_mtime_ns for name in before} == before
  for name, path in _shards(tmp_path / "expected").items():
    assert after[name].read_bytes() == path.read_bytes()
  assert not list(pathlib.Path(config.records).rglob("*.tmp"))
