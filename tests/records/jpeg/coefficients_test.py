import io
import sys
import tempfile

import numpy as np
from PIL import Image
import pytest
from scipy import fft

from deblock.records.jpeg import coefficients


def _saved(pixels, **options):
  stream = io.BytesIO()
  Image.fromarray(pixels).save(stream, "JPEG", **options)
  return stream.getvalue()


def test_integers_and_steps_are_those_of_the_decoded_gray_image(photograph):
  # Of mean contrast, so that nothing is clipped.
  pixels = (photograph(40, 56)[..., 0] // 2 + 64).astype(np.uint8)
  data = _saved(pixels, quality=60)
  found = coefficients.read(data)
  (plane,) = found.planes
  assert (found.height, found.width, found.grid) == (40, 56, (8, 8))
  assert plane.integers.shape == (5, 7, 8, 8) and plane.factors == (1, 1)
  with Image.open(io.BytesIO(data)) as picture:
    assert plane.steps.ravel().tolist() == picture.quantization[0]
    decoded = np.asarray(picture).astype(float) - 128.0
  blocks = decoded.reshape(5, 8, 7, 8).swapaxes(1, 2)
  expected = fft.dctn(blocks, axes=(2, 3), norm="ortho") / plane.steps
  np.testing.assert_allclose(plane.integers, expected, atol=0.6)


@pytest.mark.parametrize(
  ("subsampling", "factors", "shape", "grid"),
  [
    ("4:2:0", (2, 2), (4, 7, 8, 8), (16, 16)),
    ("4:2:2", (1, 2), (7, 7, 8, 8), (8, 16)),
    ("4:4:4", (1, 1), (7, 13, 8, 8), (8, 8)),
  ],
)
@pytest.mark.parametrize("progressive", [False, True])
def test_planes_have_their_sampling(photograph, subsampling, factors, shape, grid, progressive):
  data = _saved(photograph(51, 97), subsampling=subsampling, progressive=progressive)
  found = coefficients.read(data)
  assert [plane.factors for plane in found.planes] == [(1, 1), factors, factors]
  assert found.planes[0].integers.shape == (7, 13, 8, 8)
  assert all(plane.integers.shape == shape for plane in found.planes[1:])
  assert found.grid == grid and not found.is_colourless
  np.testing.assert_array_equal(found.planes[1].steps, found.planes[2].steps)


def test_a_file_and_its_bytes_are_read_alike_and_nothing_is_left(photograph, tmp_path, monkeypatch):
  monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
  (tmp_path / "temporary").mkdir()
  data = _saved(photograph(16, 16))
  (tmp_path / "a.jpg").write_bytes(data)
  some, others = coefficients.read(tmp_path / "a.jpg"), coefficients.read(data)
  for one, other in zip(some.planes, others.planes, strict=True):
    np.testing.assert_array_equal(one.integers, other.integers)
  with pytest.raises(coefficients.CoefficientsError):
    coefficients.read(data[:200])
  assert not list((tmp_path / "temporary").iterdir())
  assert tempfile.tempdir == str(tmp_path / "temporary")


def test_a_gray_image_in_three_components_is_colourless(photograph):
  gray = np.repeat(photograph(16, 16)[..., :1], 3, axis=2)
  assert coefficients.read(_saved(gray)).is_colourless


def test_what_is_refused_is_said(photograph, tmp_path, monkeypatch):
  with pytest.raises(coefficients.CoefficientsError, match="libjpeg cannot read its coefficients"):
    coefficients.read(b"no JPEG at all")
  stream = io.BytesIO()
  Image.fromarray(photograph(16, 16)).convert("CMYK").save(stream, "JPEG")
  with pytest.raises(coefficients.CoefficientsError, match="it has 4 components"):
    coefficients.read(stream.getvalue())
  with pytest.raises(FileNotFoundError):
    coefficients.read(tmp_path / "missing.jpg")
  monkeypatch.setitem(sys.modules, "jpeglib", None)
  with pytest.raises(coefficients.CoefficientsError, match="jpeglib, which reads coefficients, is"):
    coefficients.read(_saved(photograph(16, 16)))
