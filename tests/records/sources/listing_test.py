import os

import numpy as np
import pytest
import tensorflow as tf

from deblock.records.jpeg import codec
from deblock.records.photos import results
from deblock.records.sources import listing, opening


@pytest.fixture
def folder(tmp_path):
  for name in ("b.png", "a.JPG", "notes.txt", "sub/c.webp", ".hidden.png", ".cache/d.png"):
    path = tmp_path / "photos[1]" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
  return tmp_path / "photos[1]"


def _ids(found):
  return [image.id for image in found]


def test_a_folder_is_walked_down_and_sorted(folder):
  found = listing.from_pattern(str(folder))
  assert _ids(found) == ["a.JPG", "b.png", "sub/c.webp"]
  assert [image.path for image in found] == [str(folder / name) for name in _ids(found)]
  assert [image.group for image in found] == _ids(found)
  assert [image.chunk for image in found] == _ids(found)


def test_a_slash_at_the_end_changes_no_id(folder):
  assert _ids(listing.from_pattern(f"{folder}/")) == ["a.JPG", "b.png", "sub/c.webp"]


def test_ids_do_not_depend_on_where_the_folder_is(folder, tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  assert _ids(listing.from_pattern("photos[1]")) == _ids(listing.from_pattern(str(folder)))


def test_a_glob_takes_every_match(tmp_path):
  for name in ("x/1.png", "x/2.txt", "y/1.png"):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(b"")
  assert _ids(listing.from_pattern(f"{tmp_path}/*/1.png")) == ["x/1.png", "y/1.png"]
  assert _ids(listing.from_pattern(f"{tmp_path}/x/*")) == ["1.png", "2.txt"]


def test_a_single_file_is_one_image(folder):
  assert _ids(listing.from_pattern(str(folder / "b.png"))) == ["b.png"]


def test_a_name_that_is_not_utf8_is_found_by_its_bytes_and_gets_an_id_of_text(tmp_path):
  path = tmp_path / os.fsdecode(b"caf\xe9.png")
  try:
    path.write_bytes(b"")
  except OSError:
    pytest.skip("this file system takes UTF-8 names only")
  (image,) = listing.find(str(tmp_path)).images
  assert image.path == str(path) and os.fsencode(image.id) == b"caf\xe9.png"
  for pattern in (tmp_path, tmp_path / "*.png"):
    (image,) = listing.from_pattern(str(pattern))
    assert image.path == str(path) and image.id == image.group == r"caf\xe9.png"


def test_what_is_passed_over_is_counted(folder):
  results.add(folder / "b.png")
  (folder / "sub" / "film.MOV").write_bytes(b"")
  found = listing.find(str(folder))
  assert _ids(found.images) == ["a.JPG", "sub/c.webp"]
  assert str(found.passed_over) == (
    "passed over: 2 files whose suffix is no image's (1 .mov, 1 .txt); "
    "1 image that a program of deblock wrote, listed in .deblock-results"
  )
  (folder / "notes.txt").unlink()
  assert not listing.find(str(folder / "sub" / "c.webp")).passed_over


def test_every_name_of_a_jpeg_is_taken(tmp_path):
  names = ["1.jfif", "2.JPE", "3.jif", "4.jfi", "5.mpo", "6.heic"]
  for name in names:
    (tmp_path / name).write_bytes(b"")
  assert _ids(listing.from_pattern(str(tmp_path))) == names[:5]


def test_results_are_taken_only_if_they_are_named_one_by_one(tmp_path):
  for name in ("a.png", "b.png"):
    (tmp_path / name).write_bytes(b"")
    results.add(tmp_path / name)
  for pattern in (tmp_path, tmp_path / "*.png"):
    with pytest.raises(FileNotFoundError, match="2 images that a program of deblock wrote"):
      listing.from_pattern(str(pattern))
  assert _ids(listing.from_pattern(str(tmp_path / "a.png"))) == ["a.png"]


def test_nothing_found_names_the_pattern(tmp_path):
  with pytest.raises(FileNotFoundError, match=r"no file or folder matches '.*/none/\*\.png'"):
    listing.from_pattern(f"{tmp_path}/none/*.png")
  with pytest.raises(FileNotFoundError, match=r"folder '.*' holds no images \(.*\.png"):
    listing.from_pattern(str(tmp_path))
  with pytest.raises(FileNotFoundError, match="no file or folder matches ''"):
    listing.from_pattern("")


def _tree(root, *names):
  for name in names:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")


def test_a_loop_of_links_ends_and_lists_nothing_twice(tmp_path):
  _tree(tmp_path, "a/1.png", "b/2.png")
  (tmp_path / "a" / "up").symlink_to(tmp_path)
  (tmp_path / "a" / "across").symlink_to(tmp_path / "b")
  (tmp_path / "b" / "back").symlink_to(tmp_path / "a")
  (tmp_path / "self").symlink_to(tmp_path / "self")
  assert _ids(listing.from_pattern(str(tmp_path))) == ["a/1.png", "b/2.png"]


def test_a_link_renames_nothing_that_has_a_path_of_its_own(tmp_path):
  _tree(tmp_path, "z/deep/down/1.png")
  before = listing.from_pattern(str(tmp_path))
  (tmp_path / "a").symlink_to(tmp_path / "z" / "deep")
  assert listing.from_pattern(str(tmp_path)) == before


def test_a_linked_folder_is_listed_under_its_first_link(tmp_path):
  _tree(tmp_path, "outside/sub/1.png", "root/inner/2.png")
  root = tmp_path / "root"
  # In the order of the names "a" is first, but it is behind a link and "inner/x" is not.
  (tmp_path / "outside" / "a").symlink_to(tmp_path / "outside" / "sub")
  for name in ("y", "inner/x", "inner/w"):
    (root / name).symlink_to(tmp_path / "outside")
  assert _ids(listing.from_pattern(str(root))) == ["inner/2.png", "inner/w/sub/1.png"]
  assert listing.from_pattern(str(root))[1].path == str(root / "inner/w/sub/1.png")


def test_the_listing_does_not_depend_on_the_order_of_entries(tmp_path, monkeypatch):
  _tree(tmp_path, "outside/1.png", "root/b/2.png", "root/a/3.png")
  for name in ("a/link", "b/link", "c"):
    (tmp_path / "root" / name).symlink_to(tmp_path / "outside")
  scandir = os.scandir

  class Backwards:
    def __init__(self, folder):
      with scandir(folder) as entries:
        self.entries = sorted(entries, key=lambda entry: entry.name, reverse=backwards)

    def __enter__(self):
      return iter(self.entries)

    def __exit__(self, *_):
      pass

  monkeypatch.setattr(os, "scandir", Backwards)
  found = []
  for backwards in (False, True):  # noqa: B007, the class above reads it
    found.append(listing.from_pattern(str(tmp_path / "root")))
  assert found[0] == found[1]
  assert _ids(found[0]) == ["a/3.png", "a/link/1.png", "b/2.png"]


def test_linked_files_and_links_to_nothing_are_listed(tmp_path):
  _tree(tmp_path, "outside/1.png", "root/2.png")
  root = tmp_path / "root"
  (root / "linked.png").symlink_to(tmp_path / "outside" / "1.png")
  (root / "dangling.png").symlink_to(tmp_path / "nothing")
  (root / "loop.png").symlink_to(root / "loop.png")
  (root / "dangling").symlink_to(tmp_path / "nothing")
  found = listing.from_pattern(str(root))
  assert _ids(found) == ["2.png", "dangling.png", "linked.png", "loop.png"]


def test_a_folder_with_the_name_of_an_image_is_a_folder_and_a_pipe_is_nothing(tmp_path):
  _tree(tmp_path, "x.png/1.png")
  os.mkfifo(tmp_path / "pipe.png")
  assert _ids(listing.from_pattern(str(tmp_path))) == ["x.png/1.png"]


@pytest.mark.parametrize("pattern", ["", "/*/*.png", "/locked/*", "/*/deep/*.png", "/locked/1.png"])
def test_a_folder_that_cannot_be_entered_is_named(open_folder, as_nobody, pattern):
  _tree(open_folder, "1.png", "open/deep/2.png", "locked/1.png")
  (open_folder / "locked").chmod(0)
  with as_nobody(), pytest.raises(PermissionError, match=r"locked.* cannot be .*: Permission"):
    listing.from_pattern(f"{open_folder}{pattern}")
  (open_folder / "locked").chmod(0o755)


def test_a_link_into_a_folder_that_cannot_be_entered_is_named(open_folder, as_nobody):
  _tree(open_folder, "root/1.png", "locked/inner/2.png")
  (open_folder / "root" / "link.png").symlink_to(open_folder / "locked" / "inner" / "2.png")
  (open_folder / "locked").chmod(0)
  with as_nobody():
    assert _ids(listing.from_pattern(str(open_folder / "root"))) == ["1.png", "link.png"]
  (open_folder / "root" / "link").symlink_to(open_folder / "locked" / "inner")
  with as_nobody(), pytest.raises(PermissionError, match=r"root/link' cannot be entered"):
    listing.from_pattern(str(open_folder / "root"))
  (open_folder / "locked").chmod(0o755)


@pytest.fixture
def remote():
  """A folder on a file system that only `tf.io.gfile` knows."""
  root = "ram://listing_test/root"
  tf.io.gfile.makedirs(f"{root}/sub")
  tf.io.gfile.makedirs(f"{root}/.cache")
  png = codec.encode_png(np.full((3, 4, 3), 7, np.uint8))
  for name in ("b.png", "sub/a.PNG", "sub/notes.txt", ".cache/c.png", "sub/.d.png"):
    with tf.io.gfile.GFile(f"{root}/{name}", "wb") as file:
      file.write(png)
  yield root
  tf.io.gfile.rmtree(root)


def test_a_remote_folder_is_listed_and_read(remote):
  found = listing.from_pattern(remote)
  assert _ids(found) == ["b.png", "sub/a.PNG"]
  assert found[1].path == f"{remote}/sub/a.PNG"
  ((_, picture),) = opening.open_source(remote).read(found[1:])
  np.testing.assert_array_equal(picture.pixels, np.full((3, 4, 3), 7))


def test_a_remote_glob_and_a_remote_file_are_listed(remote):
  assert _ids(listing.from_pattern(f"{remote}/*/*.PNG")) == ["sub/a.PNG"]
  assert _ids(listing.from_pattern(f"{remote}/b.png")) == ["b.png"]
  with pytest.raises(FileNotFoundError, match=r"no file or folder matches 'ram://.*/none/\*'"):
    listing.from_pattern(f"{remote}/none/*")
  with pytest.raises(
    FileNotFoundError, match=r"folder 'ram://.*/\.cache/\.\.none' holds no images"
  ):
    tf.io.gfile.makedirs(f"{remote}/.cache/..none")
    listing.from_pattern(f"{remote}/.cache/..none")


def test_a_remote_folder_that_cannot_be_entered_is_named(remote, monkeypatch):
  def walk(folder, onerror):
    raise tf.errors.PermissionDeniedError(None, None, "no credentials")

  monkeypatch.setattr(tf.io.gfile, "walk", walk)
  with pytest.raises(PermissionError, match=r"'ram://.*' cannot be entered: no credentials"):
    listing.from_pattern(remote)


def test_a_remote_folder_that_vanishes_is_not_passed_over(remote, monkeypatch):
  def walk(folder, onerror):
    onerror(tf.errors.NotFoundError(None, None, "sub is gone"))

  monkeypatch.setattr(tf.io.gfile, "walk", walk)
  with pytest.raises(OSError, match=r"ram://.* cannot be listed: sub is gone"):
    listing.from_pattern(remote)


def test_links_to_pipes_and_devices_are_not_listed(tmp_path):
  os.mkfifo(tmp_path / "pipe.jpg")
  (tmp_path / "photos").mkdir()
  (tmp_path / "photos" / "a.jpg").write_bytes(b"a")
  for name, target in (("pipe", "../pipe.jpg"), ("null", os.devnull), ("gone", "nowhere")):
    (tmp_path / "photos" / f"{name}.jpg").symlink_to(target)
  found = [image.id for image in listing.find(str(tmp_path / "photos")).images]
  assert found == ["a.jpg", "gone.jpg"]
