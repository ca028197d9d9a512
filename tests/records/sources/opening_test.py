import pickle

import numpy as np
from PIL import Image
import pytest

from deblock.records.photos import reading
from deblock.records.sources import kodak, opening, packaged, source_image


@pytest.fixture
def folder(tmp_path):
  """A PNG, a JPEG, and a file that is neither."""
  path = tmp_path / "photos"
  path.mkdir()
  Image.new("RGB", (8, 6), "teal").save(path / "a.png")
  (path / "b.png").write_bytes(b"no picture")
  Image.new("RGB", (16, 16), "teal").save(path / "c.jpg")
  return path


def test_a_folder_is_read_in_the_order_that_is_asked_for(folder):
  source = opening.open_source(images=str(folder))
  a, b, c = source.list()
  found = list(source.read((c, a)))
  assert [image for image, _ in found] == [c, a]
  assert [picture.format for _, picture in found] == ["JPEG", "PNG"]
  np.testing.assert_array_equal(found[1][1].pixels, reading.read_rgb(str(folder / "a.png")))
  assert [image.id for image in (a, b, c)] == ["a.png", "b.png", "c.jpg"]


def test_an_image_that_cannot_be_read_costs_only_itself(folder):
  source = opening.open_source(images=str(folder))
  kinds = [type(found) for _, found in source.read(source.list())]
  assert kinds == [reading.Picture, reading.ImageError, reading.Picture]


def test_a_folder_is_listed_anew_each_time(folder):
  source = opening.open_source(images=str(folder))
  source.list()
  (folder / "b.png").unlink()
  assert [image.id for image in source.list()] == ["a.png", "c.jpg"]


@pytest.mark.parametrize("source", ["", "packaged"])
def test_the_packaged_photographs_are_the_default(source):
  found = opening.open_source(source=source)
  assert found.list() == packaged.packaged()
  ((_, picture),) = found.read(found.list()[:1])
  assert picture.format == "PNG" and picture.pixels.shape == (512, 512, 3)


def test_the_kodak_images_are_fetched_when_they_are_listed(tmp_path, monkeypatch):
  folders = []
  monkeypatch.setattr(kodak, "kodak", lambda folder: folders.append(folder) or ("listed",))
  source = opening.open_source(source="kodak", cache_dir=tmp_path)
  assert not folders
  assert source.list() == ("listed",)
  opening.open_source(source="kodak").list()
  assert folders[0] == str(tmp_path / "kodak")
  assert folders[1].endswith("/.cache/deblock/kodak")


@pytest.mark.parametrize(
  "settings",
  [{"images": "photos"}, {"source": "kodak"}, {}, {"source": "tfds:div2k"}, {"graphics_count": 3}],
)
def test_a_source_is_cheap_to_send_to_a_worker(settings):
  source = opening.open_source(**settings)
  sent = pickle.dumps(source)
  assert len(sent) < 500
  assert pickle.loads(sent) == source


def test_images_that_are_known_are_a_source_too(folder):
  one = source_image.SourceImage.alone("x", str(folder / "a.png"))
  source = pickle.loads(pickle.dumps(opening.FileSource(tuple, ((one,),))))
  assert source.list() == (one,)


def test_a_data_set_is_read_as_the_flags_say():
  source = opening.open_source("", "tfds:div2k/bicubic_x4", "validation", "hr", "/data")
  assert (source.name, source.split) == ("div2k/bicubic_x4", "validation")
  assert (source.feature, source.data_dir) == ("hr", "/data")


@pytest.mark.parametrize("source", ["mine", "tfds:", "tfds", "Kodak"])
def test_an_unknown_source_is_named(source):
  message = f"source must be one of graphics, kodak, packaged, tfds:NAME, got '{source}'"
  with pytest.raises(ValueError, match=message):
    opening.open_source(source=source)


def test_images_and_a_source_exclude_each_other():
  with pytest.raises(ValueError, match="images and source exclude each other, got 'a' and 'kodak'"):
    opening.open_source(images="a", source="kodak")
