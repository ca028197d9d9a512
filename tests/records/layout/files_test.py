import errno
import fcntl
import pathlib
import subprocess
import sys

import pytest

from deblock.records.layout import files, new_file


def test_text_survives_and_replaces_what_was_there(tmp_path):
  path = str(tmp_path / "a.json")
  for text in ("first", "zweites ü"):
    files.write_text(path, text)
    assert files.read_text(path) == text
  assert [item.name for item in tmp_path.iterdir()] == ["a.json"]


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
  with pytest.raises(FileNotFoundError):
    files.write_text(str(tmp_path / "none" / "a.json"), "text")


def test_what_is_not_there_has_no_size(tmp_path):
  (tmp_path / "a").write_bytes(bytes(5000))
  assert files.size_bytes(str(tmp_path / "a")) == 5000
  assert files.size_bytes(str(tmp_path / "none")) == -1


def test_a_file_is_replaced_at_once_or_not_at_all(tmp_path):
  path = tmp_path / "a.json"
  path.write_text("old")
  with pytest.raises(KeyboardInterrupt), files.replacing(path) as first:
    pathlib.Path(first).write_text("half")
    raise KeyboardInterrupt
  assert [item.name for item in tmp_path.iterdir()] == ["a.json"] and path.read_text() == "old"
  with pytest.raises(RuntimeError, match="before"), files.replacing(path):
    raise RuntimeError("before there was a file")
  with files.replacing(path) as second:
    pathlib.Path(second).write_text("new")
    assert path.read_text() == "old"
  assert [item.name for item in tmp_path.iterdir()] == ["a.json"] and path.read_text() == "new"
  assert first != second and all(
    new_file.is_temporary(pathlib.Path(name).name) for name in (first, second)
  )


def test_a_temporary_file_may_lie_elsewhere(tmp_path):
  (tmp_path / "other").mkdir()
  with files.replacing(tmp_path / "a", str(tmp_path / "other")) as temporary:
    pathlib.Path(temporary).write_text("text")
    assert [item.name for item in tmp_path.iterdir()] == ["other"]
    assert pathlib.Path(temporary).parent == tmp_path / "other"
  assert (tmp_path / "a").read_text() == "text" and not list((tmp_path / "other").iterdir())


def test_remote_files_are_as_local_ones():
  folder = "ram://files_test/new"
  assert files.names(folder) == [] and files.size_bytes(f"{folder}/a") == -1
  files.make_folder(f"{folder}/inside")
  for text in ("first", "zweites ü"):
    files.write_text(f"{folder}/a", text)
    assert files.read_text(f"{folder}/a") == text
  assert files.names(folder) == ["a", "inside"]
  assert files.size_bytes(f"{folder}/a") == len("zweites ü".encode())
  with files.locked(f"{folder}/lock"), files.locked(f"{folder}/lock"):
    pass
  files.remove(f"{folder}/a")
  for missing in (files.read_bytes, files.remove):
    with pytest.raises(FileNotFoundError):
      missing(f"{folder}/a")


def test_a_file_system_without_locks_keeps_nobody_out(tmp_path, monkeypatch):
  asked = []

  def refuse(handle, operation):
    asked.append(operation)
    raise OSError(errno.ENOLCK, "no locks available")

  monkeypatch.setattr(fcntl, "flock", refuse)
  with files.locked(str(tmp_path / "lock")), files.locked(str(tmp_path / "lock")):
    assert asked


def test_a_lock_keeps_others_out_until_its_holder_is_gone(tmp_path):
  path = str(tmp_path / "lock")
  program = f"""
import sys, time
from deblock.records.layout import files
with files.locked({path!r}):
  print("locked", flush=True)
  time.sleep(600)
"""
  holder = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
  try:
    assert holder.stdout.readline() == b"locked\n"
    with pytest.raises(BlockingIOError), files.locked(path):
      pass
  finally:
    holder.kill()
    holder.communicate()
  with files.locked(path):
    pass
