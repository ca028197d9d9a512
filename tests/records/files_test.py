import hashlib

import pytest
import tensorflow as tf

from deblock.records import files


def test_text_survives_and_replaces_what_was_there(tmp_path):
  path = str(tmp_path / "a.json")
  for text in ("first", "zweites ü"):
    files.write_text(path, text)
    assert files.read_text(path) == text
  assert [item.name for item in tmp_path.iterdir()] == ["a.json"]


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
  with pytest.raises(tf.errors.OpError):
    files.write_text(str(tmp_path / "none" / "a.json"), "text")


def test_sizes_and_digests_are_of_the_whole_file(tmp_path):
  data = bytes(range(256)) * 5000
  (tmp_path / "a").write_bytes(data)
  assert files.size_bytes(str(tmp_path / "a")) == len(data)
  assert files.sha256(str(tmp_path / "a")) == hashlib.sha256(data).hexdigest()
  assert files.size_bytes(str(tmp_path / "none")) == -1


def test_two_attempts_have_two_temporary_names():
  assert files.temporary_name("a") != files.temporary_name("a")
