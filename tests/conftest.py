"""A photograph for the tests of records and pipeline."""

import numpy as np
from PIL import Image
import pytest

from deblock.records import sources


def _photograph(height, width, number=0):
  """Returns a crop of a real photograph with a little noise, uint8 [height, width, 3]."""
  path = next(image.path for image in sources.packaged() if image.id == "coffee.png")
  with Image.open(path) as picture:
    pixels = np.array(picture.convert("RGB"))
  top, left = 20 + 13 * number, 40 + 29 * number
  crop = pixels[top : top + height, left : left + width].astype(np.int64)
  noise = np.random.default_rng(number).integers(-12, 13, crop.shape)
  return np.clip(crop + noise, 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def photograph():
  """The function (height, width, number=0) -> uint8 [height, width, 3]."""
  return _photograph
