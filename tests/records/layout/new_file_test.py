import errno
import os
import pathlib
import stat
import time

import pytest

from deblock.records.layout import files, new_file


def _names(folder):
  return sorted(path.name for path in folder.iterdir())


def _mode(path):
  return stat.S_IMODE(path.stat().st_mode)


def test_a_link_that_was_planted_is_never_written_through(tmp_path, monkeypatch):
  victim = tmp_path / "victim"
  victim.write_text("precious")
  monkeypatch.setattr(new_file.os, "urandom", bytes)
  planted = pathlib.Path(new_file.temporary_path(str(tmp_path)))
  planted.symlink_to(victim)
  with pytest.raises(FileExistsError, match=r"a\.json"):
    files.write_text(tmp_path / "a.json", "text")
  assert victim.read_text() == "precious" and planted.is_symlink()
  # A link in place of the file itself is replaced, not followed.
  planted.unlink()
  (tmp_path / "a.json").symlink_to(victim)
  files.write_text(tmp_path / "a.json", "text")
  assert victim.read_text() == "precious" and not (tmp_path / "a.json").is_symlink()


def test_a_file_that_is_swapped_for_a_link_meanwhile_is_not_given_its_name(tmp_path):
  (tmp_path / "victim").write_text("precious")
  with (
    pytest.raises(OSError, match="was replaced by another program"),
    files.replacing(tmp_path / "a.json") as temporary,
  ):
    pathlib.Path(temporary).unlink()
    pathlib.Path(temporary).symlink_to(tmp_path / "victim")
  assert _names(tmp_path) == ["victim"]


def test_names_are_random_short_hidden_and_known():
  names = {pathlib.Path(new_file.temporary_path("f")).name for _ in range(50)}
  assert len(names) == 50
  assert all(new_file.is_temporary(name) and len(name) < 40 and name[0] == "." for name in names)
  others = (
    "a.tmp",
    ".a.0123456789abcdef.tmp",
    ".deblock-results",
    ".deblock-0123456789abcdef.tmp ",
  )
  assert not any(map(new_file.is_temporary, others))


def test_a_file_of_the_longest_name_can_be_written(tmp_path):
  files.write_text(tmp_path / ("n" * 255), "text")
  assert _names(tmp_path) == ["n" * 255]


def test_only_what_was_abandoned_is_removed_and_nothing_of_others(tmp_path):
  old = time.time() - 2 * 86400
  keep = ["mine.tmp", ".mine.0123456789abcdef.tmp", ".deblock-0123456789abcdef.tmp.png"]
  for name in (*keep, ".deblock-aaaaaaaaaaaaaaaa.tmp", ".deblock-bbbbbbbbbbbbbbbb.tmp"):
    (tmp_path / name).write_text("")
    os.utime(tmp_path / name, (old, old))
  os.utime(tmp_path / ".deblock-bbbbbbbbbbbbbbbb.tmp")
  files.write_text(tmp_path / "a.json", "text")
  assert _names(tmp_path) == sorted([*keep, "a.json", ".deblock-bbbbbbbbbbbbbbbb.tmp"])


def test_permissions_are_those_of_the_old_file_or_those_of_new_files(tmp_path):
  path, fresh = tmp_path / "a", tmp_path / "fresh"
  fresh.write_text("")
  files.write_text(path, "first")
  assert _mode(path) == _mode(fresh)
  for mode in (0o600, 0o664):
    path.chmod(mode)
    files.write_text(path, "again")
    assert _mode(path) == mode
  with new_file.writing(tmp_path / "private", permissions=0o700):
    pass
  assert _mode(tmp_path / "private") == 0o600


@pytest.mark.parametrize("has_links", [True, False])
def test_a_new_file_never_replaces_another(tmp_path, monkeypatch, has_links):
  if not has_links:

    def refuse(source, target):
      raise OSError(errno.EPERM, "no links here", target)

    monkeypatch.setattr(os, "link", refuse)
  with new_file.writing(tmp_path / "a", only_new=True) as stream:
    stream.write(b"mine")
  with (
    pytest.raises(FileExistsError, match="a"),
    new_file.writing(tmp_path / "a", only_new=True) as stream,
  ):
    stream.write(b"late")
  assert _names(tmp_path) == ["a"] and (tmp_path / "a").read_bytes() == b"mine"


def test_an_error_names_the_file_and_not_the_temporary_one(tmp_path):
  with pytest.raises(FileNotFoundError, match=r"none/a\.json"):
    files.write_text(tmp_path / "none" / "a.json", "text")
