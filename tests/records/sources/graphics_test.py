import pickle

import numpy as np
import pytest

from deblock.records.graphics import kinds
from deblock.records.photos import reading
from deblock.records.planning import config as config_lib
from deblock.records.planning import plan
from deblock.records.sources import graphics, opening, source_image
from deblock.records.writing import shard


@pytest.fixture
def small():
  return opening.open_source(source="graphics", graphics_count=30, graphics_side=64, seed=5)


def test_ids_say_all_that_decides_an_image(small):
  images = small.list()
  assert len({image.id for image in images}) == len(images) == 30
  assert images[0].id == "graphics/train/seed5/64px/000000-page"
  assert [image.group for image in images] == [image.chunk for image in images]
  # Another source reads them too: of other seeds, as evaluation does with a manifest.
  other = graphics.GraphicsSource(1, "valid", 99, 512)
  for (image, one), (_, two) in zip(small.read(images[3:5]), other.read(images[3:5]), strict=True):
    np.testing.assert_array_equal(one.pixels, two.pixels)
    index = images.index(image)
    np.testing.assert_array_equal(one.pixels, kinds.draw("train", 5, index, 64))


def test_images_are_read_in_the_order_that_is_asked_for(small):
  images = small.list()
  found = list(small.read((images[9], images[2])))
  assert [image for image, _ in found] == [images[9], images[2]]
  assert {picture.pixels.shape for _, picture in found} == {(64, 64, 3)}
  assert {picture.format for _, picture in found} == {""}


def test_more_images_leave_the_first_ones_as_they_are():
  few, many = (graphics.GraphicsSource(count).list() for count in (3, 9))
  assert many[:3] == few


def test_splits_and_seeds_share_no_id():
  sources = [
    graphics.GraphicsSource(20, split, seed) for split in ("train", "valid") for seed in (0, 1)
  ]
  ids = [image.id for source in sources for image in source.list()]
  assert len(set(ids)) == 80


def test_drawn_images_come_after_those_of_another_source(tmp_path, write_images):
  folder = write_images(tmp_path / "images")
  mixed = opening.open_source(images=str(folder), graphics_count=2, graphics_side=64)
  assert pickle.loads(pickle.dumps(mixed)) == mixed and len(pickle.dumps(mixed)) < 500
  images = mixed.list()
  assert [graphics.is_drawn(image) for image in images[-3:]] == [False, True, True]
  order = (images[-1], images[0], images[-2])
  found = dict(mixed.read(order))
  assert tuple(found) == order
  assert found[images[-1]].pixels.shape == (64, 64, 3) and found[images[0]].format == "PNG"


@pytest.mark.parametrize(
  ("settings", "message"),
  [
    ({"source": "graphics"}, "graphics_count must be 1 or more, got 0"),
    ({"graphics_count": -1}, "graphics_count must be 1 or more, got -1"),
    ({"graphics_count": 1, "graphics_split": "test"}, "one of train, valid, got 'test'"),
    ({"graphics_count": 1, "graphics_side": 63}, "graphics_side must be 64 or more, got 63"),
    ({"source": "graphics", "images": "x"}, "images and source exclude each other"),
  ],
)
def test_values_out_of_range_are_named(settings, message):
  with pytest.raises(ValueError, match=message):
    opening.open_source(**settings)


def test_what_cannot_be_drawn_is_said(small, monkeypatch):
  strange = source_image.SourceImage.alone("graphics/train/x", "graphics:x")
  ((_, found),) = small.read((strange,))
  assert isinstance(found, reading.ImageError) and "no image that graphics can draw" in str(found)

  def refuse(*unused):
    raise FileNotFoundError("matplotlib is not installed")

  monkeypatch.setattr(kinds, "draw", refuse)
  ((_, found),) = small.read(small.list()[:1])
  assert "cannot be drawn: matplotlib is not installed" in str(found)


def test_records_hold_them_and_old_settings_stay_as_they_were(tmp_path):
  options = {"source": "graphics", "graphics_count": 6, "graphics_side": 64}
  config = config_lib.RecordsConfig(records=str(tmp_path), tile_size=32, seed=3, **options)
  assert config.settings["graphics_side"] == 64
  assert not [name for name in config_lib.RecordsConfig(records="r").settings if "graphics" in name]
  (tmp_path / shard.SIDECARS).mkdir()
  images = opening.open_source(**config.source_options).list()
  assert images[0].id.startswith("graphics/train/seed3/64px/")
  results = []
  for order in (images, images[::-1]):
    item = plan.ShardPlan("train", 0, 1, order)
    result = shard.write_shard(item, config, config.records)
    assert result.shard.count == 24 and not result.skipped
    results.append((tmp_path / item.name).read_bytes())
  # Records are shuffled by their names, so that the order of drawing does not show.
  assert results[0] == results[1]
