import os

import pytest

from deblock.records import sources


@pytest.fixture
def folder(tmp_path):
  for name in ("b.png", "a.JPG", "notes.txt", "sub/c.webp", ".hidden.png", ".cache/d.png"):
    path = tmp_path / "photos[1]" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
  return tmp_path / "photos[1]"


def _ids(images):
  return [image.id for image in images]


def test_a_folder_is_walked_down_and_sorted(folder):
  images = sources.from_pattern(str(folder))
  assert _ids(images) == ["a.JPG", "b.png", "sub/c.webp"]
  assert [image.path for image in images] == [str(folder / name) for name in _ids(images)]
  assert [image.group for image in images] == _ids(images)


def test_a_slash_at_the_end_changes_no_id(folder):
  assert _ids(sources.from_pattern(f"{folder}/")) == ["a.JPG", "b.png", "sub/c.webp"]


def test_ids_do_not_depend_on_where_the_folder_is(folder, tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  assert _ids(sources.from_pattern("photos[1]")) == _ids(sources.from_pattern(str(folder)))


def test_a_glob_takes_every_match(tmp_path):
  for name in ("x/1.png", "x/2.txt", "y/1.png"):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(b"")
  assert _ids(sources.from_pattern(f"{tmp_path}/*/1.png")) == ["x/1.png", "y/1.png"]
  assert _ids(sources.from_pattern(f"{tmp_path}/x/*")) == ["1.png", "2.txt"]


def test_a_single_file_is_one_image(folder):
  assert _ids(sources.from_pattern(str(folder / "b.png"))) == ["b.png"]


def test_a_name_that_is_not_utf8_is_named(tmp_path):
  try:
    (tmp_path / os.fsdecode(b"caf\xe9.png")).write_bytes(b"")
  except OSError:
    pytest.skip("this file system takes UTF-8 names only")
  with pytest.raises(ValueError, match=r"a file name that is not UTF-8 .*xe9.*: rename that file"):
    sources.from_pattern(str(tmp_path))


def test_nothing_found_names_the_pattern(tmp_path):
  with pytest.raises(FileNotFoundError, match=r"no file or folder matches '.*/none/\*\.png'"):
    sources.from_pattern(f"{tmp_path}/none/*.png")
  with pytest.raises(FileNotFoundError, match=r"folder '.*' holds no images \(.*\.png"):
    sources.from_pattern(str(tmp_path))
  with pytest.raises(FileNotFoundError, match="no file or folder matches ''"):
    sources.from_pattern("")


def test_the_packaged_photographs_are_there_and_the_stereo_pair_is_one_group():
  images = sources.packaged()
  groups = {image.id: image.group for image in images}
  assert len(images) == 4
  assert groups["motorcycle_left.png"] == groups["motorcycle_right.png"]
  assert len(set(groups.values())) == 3


def test_the_packaged_photographs_need_scikit_image(monkeypatch):
  monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
  with pytest.raises(FileNotFoundError, match="scikit-image is not installed: give --images"):
    sources.packaged()
