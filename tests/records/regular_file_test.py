"""Files that are no files: nothing waits for a pipe, and nothing reads what is too large."""

import errno
import os
import socket

import pytest

from deblock.records import regular_file

_MOST = 1000


@pytest.fixture
def odd(tmp_path):
  """Paths that lead to a pipe, a link to one, a link to a device and a socket, by their kind."""
  os.mkfifo(tmp_path / "pipe.jpg")
  (tmp_path / "link.jpg").symlink_to("pipe.jpg")
  (tmp_path / "device.jpg").symlink_to(os.devnull)
  with socket.socket(socket.AF_UNIX) as server:
    server.bind(str(tmp_path / "socket.jpg"))
  return {
    tmp_path / "pipe.jpg": "a pipe",
    tmp_path / "link.jpg": "a pipe",
    tmp_path / "device.jpg": "a device",
    tmp_path / "socket.jpg": "a socket",
  }


def test_what_is_no_regular_file_is_refused_without_waiting(odd):
  for path, kind in odd.items():
    with pytest.raises(OSError, match=f"it is {kind}, not a regular file"):
      regular_file.read(path, _MOST)


def test_a_pipe_that_takes_a_files_place_is_refused_without_waiting(odd, monkeypatch, tmp_path):
  (tmp_path / "file").write_bytes(b"file")
  before = (tmp_path / "file").stat()
  pipe = next(path for path, kind in odd.items() if kind == "a pipe")
  monkeypatch.setattr(os, "stat", lambda path: before)
  with pytest.raises(OSError, match="it is a pipe"):
    regular_file.open_to_read(pipe)


def test_folders_and_missing_files_are_told_apart(tmp_path):
  with pytest.raises(IsADirectoryError):
    regular_file.open_to_read(tmp_path)
  with pytest.raises(FileNotFoundError):
    regular_file.open_to_read(tmp_path / "none")


def test_a_file_is_read_up_to_its_limit_and_not_at_all_beyond(tmp_path):
  path = tmp_path / "a"
  for size in (0, 1, _MOST):
    path.write_bytes(bytes(size))
    assert regular_file.read(path, _MOST) == bytes(size)
  with path.open("wb") as file:
    file.truncate(2**40)  # A hole, which takes no room on the disk.
  with pytest.raises(regular_file.TooLargeError) as caught:
    regular_file.read(path, _MOST)
  assert (caught.value.size_bytes, caught.value.errno) == (2**40, errno.EFBIG)


def test_a_file_that_states_no_size_is_read_up_to_its_limit():
  path = "/proc/self/maps"
  assert os.stat(path).st_size == 0  # noqa: PTH116
  assert len(regular_file.read(path, 2**24)) > _MOST
  with pytest.raises(regular_file.TooLargeError):
    regular_file.read(path, _MOST)
