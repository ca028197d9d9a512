"""A writer that is killed: what a reader sees then, and what the next run does."""

import dataclasses
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


# Very many tiles, so that the run lasts long enough to be killed in the middle.
_CHANGES = {"shards": "8", "test_share": 0.0, "stride": 2, "near_duplicate_bits": -1}


@pytest.fixture(scope="module")
def written(tmp_path_factory, write_images, small_config):
  """The settings and the manifest of records that were written without interruption."""
  root = tmp_path_factory.mktemp("written")
  images = write_images(root / "images", sizes=((64, 96),) * 8)
  config = small_config(images, root / "records", workers=1, **_CHANGES)
  return config, writer.write(config)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_run_leaves_whole_shards_and_the_next_one_does_the_rest(
  tmp_path, written, small_config, workers
):
  whole, expected = written
  config = small_config(whole.images, tmp_path / "killed", workers=workers, **_CHANGES)
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
    assert path.read_bytes() == _shards(whole.records)[name].read_bytes()
    assert sum(1 for _ in tf.data.TFRecordDataset(str(path))) > 0
  with pytest.raises(FileNotFoundError, match="writing was interrupted"):
    manifest.load(config.records)
  before = {name: path.stat().st_mtime_ns for name, path in finished.items()}
  # One process is enough for the rest, whose bytes do not depend on the number.
  assert writer.write(dataclasses.replace(config, workers=1)) == expected
  after = _shards(config.records)
  assert {name: after[name].stat().st_mtime_ns for name in before} == before
  for name, path in _shards(whole.records).items():
    assert after[name].read_bytes() == path.read_bytes()
  assert not list(pathlib.Path(config.records).rglob("*.tmp"))
