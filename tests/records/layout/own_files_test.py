import pytest

from deblock.records.layout import own_files
from deblock.records.photos import results


def test_only_what_a_program_wrote_is_replaced(tmp_path):
  own, other = tmp_path / "report.html", tmp_path / "holiday.png"
  for text in ("first", "second"):
    own_files.write_text(own, text)
    assert own.read_text() == text
  other.write_text("precious")
  for act in (own_files.check, lambda path: own_files.write_text(path, "mine")):
    with pytest.raises(FileExistsError, match=r"holiday\.png is there and was not written by"):
      act(other)
  assert other.read_text() == "precious"
  own_files.check(own, tmp_path / "none", "ram://bucket/other")
  assert set(results.load(tmp_path)) == {"report.html"}


def test_a_link_is_no_file_of_ours(tmp_path):
  (tmp_path / "a.csv").symlink_to(tmp_path / "nothing")
  with pytest.raises(FileExistsError, match=r"a\.csv is there"):
    own_files.write_text(tmp_path / "a.csv", "mine")
  assert not (tmp_path / "nothing").exists()


def test_a_file_that_appears_meanwhile_stays(tmp_path):
  path = tmp_path / "a.csv"
  with pytest.raises(FileExistsError), own_files.writing(path):
    path.write_text("theirs")
  assert path.read_text() == "theirs"


def test_a_failed_write_leaves_the_old_file(tmp_path):
  path = tmp_path / "a.csv"
  own_files.write_text(path, "old")
  with pytest.raises(RuntimeError), own_files.writing(path) as stream:
    stream.write(b"half")
    raise RuntimeError("stopped")
  assert path.read_text() == "old"
  assert {item.name for item in tmp_path.iterdir()} == {"a.csv", results.NAME}


def test_remote_files_are_replaced():
  for text in ("first", "second"):
    own_files.write_text("ram://own_files_test/a.csv", text)
