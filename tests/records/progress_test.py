import threading

import pytest

from deblock.records import progress


def test_each_file_is_reported_up_to_the_last(tmp_path):
  paths = [tmp_path / str(number) for number in range(3)]
  paths[0].touch()
  seen = []
  second = threading.Event()

  def on_progress(done, total):
    seen.append((done, total))
    if done == 2:
      second.set()

  with progress.watch([str(path) for path in paths], on_progress):
    paths[1].touch()
    assert second.wait(timeout=30)
    paths[2].touch()
  assert seen[0] == (1, 3)
  assert (2, 3) in seen
  assert seen[-1] == (3, 3)
  assert seen == sorted(set(seen))


def test_a_failure_ends_the_watch_without_a_last_report(tmp_path):
  seen = []
  with (
    pytest.raises(RuntimeError, match="stop"),
    progress.watch([str(tmp_path / "none")], lambda done, total: seen.append(done)),
  ):
    raise RuntimeError("stop")
  assert seen == [0]
  assert not [thread for thread in threading.enumerate() if thread.name == "progress"]


def test_nobody_need_watch():
  with progress.watch(["none"], None):
    pass
