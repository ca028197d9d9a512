import subprocess
import sys

import pytest
import tensorflow as tf

from deblock.records.layout import files


def test_text_survives_and_replaces_what_was_there(tmp_path):
  path = str(tmp_path / "a.json")
  for text in ("first", "zweites ü"):
    files.write_text(path, text)
    assert files.read_text(path) == text
  assert [item.name for item in tmp_path.iterdir()] == ["a.json"]


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
  with pytest.raises(tf.errors.OpError):
    files.write_text(str(tmp_path / "none" / "a.json"), "text")


def test_what_is_not_there_has_no_size(tmp_path):
  (tmp_path / "a").write_bytes(bytes(5000))
  assert files.size_bytes(str(tmp_path / "a")) == 5000
  assert files.size_bytes(str(tmp_path / "none")) == -1


def test_two_attempts_have_two_temporary_names():
  assert files.temporary_name("a") != files.temporary_name("a")


def test_what_a_failed_attempt_wrote_is_removed(tmp_path):
  path = tmp_path / "a.tmp"
  with pytest.raises(KeyboardInterrupt), files.removed_on_error(str(path)):
    path.write_bytes(b"half")
    raise KeyboardInterrupt
  assert not path.exists()
  with pytest.raises(RuntimeError, match="before"), files.removed_on_error(str(path)):
    raise RuntimeError("before there was a file")
  with files.removed_on_error(str(path)):
    path.write_bytes(b"whole")
  assert path.read_bytes() == b"whole"


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
