"""Small images and one folder of records that several tests read."""

import pathlib

import numpy as np
from PIL import Image
import pytest

from deblock.records import config as config_lib
from deblock.records import sources, writer

QUALITIES = (10, 20)


def _photograph(height, width, number=0):
  """Returns a crop of a real photograph with a little noise, uint8 [height, width, 3]."""
  path = next(image.path for image in sources.packaged() if image.id == "coffee.png")
  with Image.open(path) as picture:
    pixels = np.array(picture.convert("RGB"))
  top, left = 20 + 13 * number, 40 + 29 * number
  crop = pixels[top : top + height, left : left + width].astype(np.int64)
  noise = np.random.default_rng(number).integers(-12, 13, crop.shape)
  return np.clip(crop + noise, 0, 255).astype(np.uint8)


def _write_images(folder: pathlib.Path, sizes=((64, 96), (48, 48), (70, 50), (48, 80), (96, 64))):
  """Writes one PNG per (height, width), named 0.png, 1.png, …, and returns the folder."""
  folder.mkdir(parents=True, exist_ok=True)
  for number, (height, width) in enumerate(sizes):
    Image.fromarray(_photograph(height, width, number)).save(folder / f"{number}.png")
  return folder


def _small_config(images, records, **changes):
  """Returns a config of tiny tiles with the changes applied."""
  settings = {"qualities": QUALITIES, "tile_size": 48, "shards": "2", "test_share": 0.3, **changes}
  return config_lib.RecordsConfig(images=str(images), records=str(records), **settings)


@pytest.fixture(scope="session")
def photograph():
  """The function (height, width, number=0) -> uint8 [height, width, 3]."""
  return _photograph


@pytest.fixture(scope="session")
def write_images():
  """The function (folder, sizes=...) -> folder."""
  return _write_images


@pytest.fixture(scope="session")
def small_config():
  """The function (images, records, **changes) -> RecordsConfig."""
  return _small_config


@pytest.fixture(scope="session")
def records(tmp_path_factory):
  """A folder of records made from five images and a broken file; tests must not change it."""
  root = tmp_path_factory.mktemp("records")
  images = _write_images(root / "images")
  (images / "broken.png").write_bytes(b"no picture at all")
  config = _small_config(images, root / "out")
  writer.write(config)
  return config
