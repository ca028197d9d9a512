import io

import numpy as np
from PIL import Image
import pytest
import tifffile

from deblock.records.photos import tiff_file


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("bands", [0, 3])
@pytest.mark.parametrize("transparent", [False, True])
@pytest.mark.parametrize("size", [(1, 1), (300, 417)])
def test_samples_are_what_another_reader_finds(dtype, bands, transparent, size):
  rng = np.random.default_rng(0)
  shape = (*size, bands) if bands else size
  samples = rng.integers(0, 2 ** (8 * dtype().itemsize), shape).astype(dtype)
  alpha = rng.integers(0, 256, size).astype(np.uint8) if transparent else None
  tags = Image.Exif()
  tags[271] = "Maker"
  data = tiff_file.encode(samples, alpha, tags, (300.0, 150.0))
  with tifffile.TiffFile(io.BytesIO(data)) as file:
    page = file.pages[0]
    assert page.tags[271].value == "Maker" and page.tags[282].value == (300, 1)
    found = page.asarray().reshape(*size, -1)
  np.testing.assert_array_equal(found[..., : bands or 1].reshape(shape), samples)
  if transparent:
    scale = 257 if dtype == np.uint16 else 1
    np.testing.assert_array_equal(found[..., -1], alpha.astype(dtype) * dtype(scale))
  assert found.shape[2] == (bands or 1) + transparent
