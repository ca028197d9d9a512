from importlib import metadata
import subprocess
import sys

import numpy as np
from PIL import Image
import pytest

import deblock


@pytest.fixture
def photo(tmp_path, picture):
  """The path of a JPEG of 48x64 pixels."""
  path = tmp_path / "photo.jpg"
  Image.fromarray(picture(48, 64)).save(path, quality=30)
  return path


def test_the_package_has_a_version_and_nothing_that_is_unknown():
  assert deblock.__version__ == metadata.version("deblock")
  with pytest.raises(AttributeError, match="module 'deblock' has no attribute 'resotre'"):
    deblock.resotre  # noqa: B018


def test_a_path_and_the_bytes_of_its_file_are_restored_alike(photo):
  restored = deblock.restore(photo, model="fast")
  assert restored.dtype == np.uint8 and restored.shape == (48, 64, 3)
  np.testing.assert_array_equal(deblock.restore(photo.read_bytes(), model="fast"), restored)


@pytest.mark.parametrize(
  ("mode", "shape"),
  [("RGB", (48, 64, 3)), ("L", (48, 64)), ("RGBA", (48, 64, 3)), ("LA", (48, 64))],
)
def test_images_of_pillow_are_restored_as_their_pixels(photo, mode, shape):
  with Image.open(photo) as opened:
    picture = opened.convert(mode)
  pixels = np.asarray(picture.convert("RGB" if len(shape) == 3 else "L"))
  restored = deblock.restore(picture, model="fast", quality=30)
  assert restored.shape == shape and (restored != pixels).any()
  np.testing.assert_array_equal(deblock.restore(pixels, model="fast", quality=30), restored)


def test_restoring_loads_no_tensorflow(photo):
  program = (
    f"import deblock, sys; deblock.restore({str(photo)!r}, model='fast'); "
    "sys.exit('tensorflow' in sys.modules)"
  )
  assert subprocess.run([sys.executable, "-c", program], cwd=photo.parent).returncode == 0
