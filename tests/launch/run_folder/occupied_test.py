import errno
import fcntl
import os

import pytest

from deblock.launch.run_folder import occupied


def test_a_second_training_is_refused_and_names_the_first(tmp_path):
  # A lock is held against its own process too; `records/layout/files_test.py` has the case of
  # another process, which is killed.
  run = str(tmp_path / "run")
  with (
    occupied.hold(run),
    pytest.raises(ValueError, match=rf"{run} is being .*\({os.getpid()} on .*--logdir"),
    occupied.hold(run),
  ):
    pass
  with occupied.hold(run):
    assert (tmp_path / "run" / occupied.FILE).read_text().startswith(f"{os.getpid()} on ")


def test_a_folder_is_free_again_after_an_error(tmp_path):
  for _ in range(2):
    with pytest.raises(KeyError), occupied.hold(str(tmp_path)):
      raise KeyError


def test_other_folders_are_free(tmp_path):
  with occupied.hold(str(tmp_path / "a")), occupied.hold(str(tmp_path / "b")):
    assert {path.name for path in tmp_path.iterdir()} == {"a", "b"}


def test_a_file_system_without_locks_keeps_nobody_out(tmp_path, monkeypatch):
  asked = []

  def refuse(stream, operation):
    asked.append(operation)
    raise OSError(errno.ENOLCK, "no locks available")

  monkeypatch.setattr(fcntl, "flock", refuse)
  with occupied.hold(str(tmp_path)), occupied.hold(str(tmp_path)):
    assert asked


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
  (tmp_path / "file").touch()
  with (
    pytest.raises(OSError, match=r"file/run cannot be written: Not a directory. .*--logdir"),
    occupied.hold(str(tmp_path / "file" / "run")),
  ):
    pass
