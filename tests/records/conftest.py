"""Small images and one folder of records that several tests read."""

import pathlib

from PIL import Image
import pytest

from deblock.records.planning import config as config_lib
from deblock.records.planning import plan
from deblock.records.sources import listing
from deblock.records.writing import shard, writer

QUALITIES = (10, 20)


def _small_config(images, records, **changes):
  """Returns a config of tiny tiles with the changes applied."""
  settings = {"qualities": QUALITIES, "tile_size": 48, "shards": "2", "test_share": 0.3, **changes}
  return config_lib.RecordsConfig(images=str(images), records=str(records), **settings)


@pytest.fixture(scope="session")
def write_images(photograph):
  """The function (folder, sizes=...) -> folder, with a PNG per (height, width): 0.png, 1.png, …"""

  def write(folder: pathlib.Path, sizes=((64, 96), (48, 48), (70, 50), (48, 80), (96, 64))):
    folder.mkdir(parents=True, exist_ok=True)
    for number, (height, width) in enumerate(sizes):
      Image.fromarray(photograph(height, width, number)).save(folder / f"{number}.png")
    return folder

  return write


@pytest.fixture(scope="session")
def small_config():
  """The function (images, records, **changes) -> RecordsConfig."""
  return _small_config


@pytest.fixture(scope="session")
def records(tmp_path_factory, write_images):
  """A folder of records made from five images and a broken file; tests must not change it."""
  root = tmp_path_factory.mktemp("records")
  images = write_images(root / "images")
  (images / "broken.png").write_bytes(b"no picture at all")
  config = _small_config(images, root / "out")
  writer.write(config)
  return config


@pytest.fixture
def unwritten(tmp_path, write_images, small_config):
  """The settings of records of three small images, in a folder that holds none of them yet."""
  images = write_images(tmp_path / "images", sizes=((48, 48),) * 3)
  (tmp_path / "out" / shard.SIDECARS).mkdir(parents=True)
  return small_config(images, tmp_path / "out", test_share=0.0)


@pytest.fixture
def shards(unwritten):
  """The plan of those records: three shards of a tile each."""
  images = listing.from_pattern(unwritten.images)
  splits = plan.assign_splits(images, 0.0)
  return plan.make_plan(images, splits, {"train": 3, "test": 0}).shards
