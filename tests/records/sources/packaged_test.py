import pytest

from deblock.records.sources import packaged


def test_the_packaged_photographs_are_there_and_the_stereo_pair_is_one_group():
  images = packaged.packaged()
  groups = {image.id: image.group for image in images}
  assert len(images) == 4
  assert [image.chunk for image in images] == [image.id for image in images]
  assert groups["motorcycle_left.png"] == groups["motorcycle_right.png"]
  assert len(set(groups.values())) == 3


def test_the_packaged_photographs_need_scikit_image(monkeypatch):
  monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
  with pytest.raises(FileNotFoundError, match="scikit-image is not installed: give --images"):
    packaged.packaged()
