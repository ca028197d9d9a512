import errno
import fcntl
import os
import subprocess
import sys

import pytest

from deblock.launch.run_folder import occupied

_HOLD = """
import sys
from deblock.launch.run_folder import occupied
with occupied.occupying(sys.argv[1]):
  print("held", flush=True)
  sys.stdin.read()
"""


def test_a_second_process_is_told_who_is_there_and_a_killed_one_is_not(tmp_path):
  other = subprocess.Popen(
    [sys.executable, "-c", _HOLD, str(tmp_path / "run")],
    stdin=subprocess.PIPE,
    stdout=subprocess.PIPE,
    text=True,
  )
  with other:
    assert other.stdout.readline() == "held\n"
    with (
      pytest.raises(ValueError, match=rf"{tmp_path}/run is being .*\({other.pid} on .*--logdir"),
      occupied.occupying(str(tmp_path / "run")),
    ):
      pass
    other.kill()
  with occupied.occupying(str(tmp_path / "run")):
    assert (tmp_path / "run" / occupied.FILE).read_text().startswith(f"{os.getpid()} on ")


def test_a_folder_is_free_again_after_an_error(tmp_path):
  for _ in range(2):
    with pytest.raises(KeyError), occupied.occupying(str(tmp_path)):
      raise KeyError


def test_other_folders_are_free(tmp_path):
  with occupied.occupying(str(tmp_path / "a")), occupied.occupying(str(tmp_path / "b")):
    assert {path.name for path in tmp_path.iterdir()} == {"a", "b"}


def test_a_file_system_without_locks_keeps_nobody_out(tmp_path, monkeypatch):
  def refuse(stream, operation):
    raise OSError(errno.ENOLCK, "no locks available")

  monkeypatch.setattr(fcntl, "flock", refuse)
  with occupied.occupying(str(tmp_path)), occupied.occupying(str(tmp_path)):
    pass


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
  (tmp_path / "file").touch()
  with (
    pytest.raises(OSError, match=r"file/run cannot be written: Not a directory. .*--logdir"),
    occupied.occupying(str(tmp_path / "file" / "run")),
  ):
    pass
