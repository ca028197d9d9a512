import json
import pathlib

import pytest

from deblock.records.layout import new_file
from deblock.records.writing import folder, shard

SETTINGS = {"qualities": [10], "seed": 0}


@pytest.fixture
def place(tmp_path):
  return str(tmp_path / "out")


def _begin(place, settings=SETTINGS):
  with folder.writing(place):
    folder.begin(place, settings)


def test_a_new_or_empty_folder_holds_nothing(place, tmp_path):
  assert not folder.check(place, SETTINGS, overwrite=False)
  (tmp_path / "out").mkdir()
  assert not folder.check(place, SETTINGS, overwrite=False)
  with folder.writing(place):
    pass
  assert not folder.check(place, SETTINGS, overwrite=False)


@pytest.mark.parametrize("overwrite", [False, True])
def test_records_of_the_same_settings_are_known_again(place, overwrite):
  _begin(place)
  assert folder.check(place, SETTINGS, overwrite)


def test_records_of_other_settings_are_refused_unless_they_may_be_overwritten(place):
  _begin(place)
  other = {**SETTINGS, "qualities": [20]}
  message = r"qualities=10, not 20: use .*--overwrite"
  with pytest.raises(ValueError, match=message):
    folder.check(place, other, overwrite=False)
  assert not folder.check(place, other, overwrite=True)


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_of_other_things_is_never_touched(tmp_path, overwrite):
  (tmp_path / "letter.txt").write_text("dear")
  with pytest.raises(ValueError, match=r"has other files and no settings\.json"):
    folder.check(str(tmp_path), SETTINGS, overwrite)


def test_unreadable_settings_are_named(place, tmp_path):
  _begin(place)
  (tmp_path / "out" / folder.SETTINGS).write_text("{")
  with pytest.raises(ValueError, match=r"settings\.json is not JSON: .*; use --overwrite"):
    folder.check(place, SETTINGS, overwrite=False)
  assert not folder.check(place, SETTINGS, overwrite=True)


def test_what_begins_is_incomplete(place, tmp_path):
  _begin(place)
  (tmp_path / "out" / "manifest.json").write_text("{}")
  _begin(place)
  assert not (tmp_path / "out" / "manifest.json").exists()
  assert json.loads((tmp_path / "out" / folder.SETTINGS).read_text()) == SETTINGS


def test_two_writers_do_not_meet(place):
  message = "out is being written by another process: wait for it, or use another --records"
  # A lock is held against its own process too; `files_test.py` has the case of another one.
  with (
    folder.writing(place),
    pytest.raises(BlockingIOError, match=message),
    folder.writing(place),
  ):
    pass
  with folder.writing(place):
    pass


def test_a_place_that_cannot_be_a_folder_is_named(tmp_path):
  (tmp_path / "file").write_text("")
  with pytest.raises(PermissionError, match=r"records folder .*/file/out cannot be written"):
    _begin(str(tmp_path / "file" / "out"))


def test_leftovers_go_and_what_is_wanted_stays(place, tmp_path):
  _begin(place)
  sidecars = tmp_path / "out" / shard.SIDECARS
  keep, gone = "deblock-train.tfrecord-00000-of-00002", "deblock-train.tfrecord-00000-of-00003"
  for name in (keep, gone):
    (tmp_path / "out" / name).write_text("")
    (sidecars / f"{name}.json").write_text("")
    (sidecars / f"{name}.plan.json").write_text("")
    pathlib.Path(new_file.temporary_path(sidecars)).write_text("")
  (tmp_path / "out" / "notes.txt").write_text("")
  folder.remove_leftovers(place, {keep})
  assert {path.name for path in (tmp_path / "out").iterdir()} == {
    keep,
    "notes.txt",
    folder.SETTINGS,
    shard.SIDECARS,
  }
  assert {path.name for path in sidecars.iterdir()} == {f"{keep}.json", folder.LOCK}
