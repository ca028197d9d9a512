import io

import numpy as np
from PIL import Image
import pytest

from deblock.records.jpeg import codec
from deblock.records.jpeg import header as jpeg_header
from deblock.records.photos import levels as jpeg_levels
from deblock.records.photos import reading


def _data(picture, kind="JPEG", **options):
  buffer = io.BytesIO()
  picture.save(buffer, kind, **options)
  return buffer.getvalue()


def _obstacle(data):
  with Image.open(io.BytesIO(data)) as picture:
    return jpeg_levels.obstacle(jpeg_header.header(picture))


def _resampled(data, component, factors):
  """Returns a JPEG whose header gives a component other sampling factors."""
  data = bytearray(data)
  frame = data.index(b"\xff\xc0")
  data[frame + 10 + 3 * component + 1] = factors
  return bytes(data)


@pytest.mark.parametrize("subsampling", ["444", "422", "420"])
@pytest.mark.parametrize("progressive", [False, True])
def test_rgb_is_what_the_standard_makes_of_the_planes(
  photograph, monkeypatch, subsampling, progressive
):
  monkeypatch.setattr(jpeg_levels, "_ROWS", 16)
  picture = Image.fromarray(photograph(45, 39))
  data = _data(picture, quality=50, subsampling=subsampling[0] + ":" + ":".join(subsampling[1:]))
  if progressive:
    data = _data(Image.open(io.BytesIO(data)), quality="keep", progressive=True)
  levels = jpeg_levels.decode(data, "a")
  assert levels.shape == (45, 39, 3) and levels.dtype == np.uint8
  luma, cb, cr = np.moveaxis(levels.astype(float), 2, 0) - [[[0]], [[128]], [[128]]]
  # ITU-T T.871, section 7.
  expected = [luma + 1.402 * cr, luma - 0.344136 * cb - 0.714136 * cr, luma + 1.772 * cb]
  difference = np.clip(np.stack(expected, axis=2), 0, 255) - codec.decode(data)
  assert np.abs(difference).max() <= 1.0


def test_of_a_gray_file_the_samples_are_the_plane(photograph):
  data = _data(Image.fromarray(photograph(21, 24)).convert("L"))
  levels = jpeg_levels.decode(data, "a")
  np.testing.assert_array_equal(levels, codec.decode(data)[..., 0])


def test_other_files_are_refused(photograph):
  picture = Image.fromarray(photograph(16, 16))
  for data in (_data(picture, "PNG"), _data(picture.convert("CMYK"))):
    with pytest.raises(reading.ImageError, match="a: is not a gray or YCbCr JPEG"):
      jpeg_levels.decode(data, "a")


def test_an_obstacle_is_named(photograph):
  picture = Image.fromarray(photograph(32, 32))
  data = _data(picture, subsampling="4:4:4")
  for usual in (data, _data(picture), _data(picture.convert("L"))):
    assert jpeg_levels.obstacle(None) == "it is no JPEG file" and _obstacle(usual) == ""
  assert _obstacle(_data(picture.convert("CMYK"))) == "its colours are CMYK"
  assert _obstacle(_data(picture, keep_rgb=True)) == "its colours are RGB"
  assert _obstacle(_resampled(data, 0, 0x12)) == "its chroma is sampled 440"
  # Cr at another resolution than Cb.
  assert _obstacle(_resampled(_resampled(data, 0, 0x22), 2, 0x22)) == (
    "its quantisation or sampling is unusual"
  )
  with Image.open(io.BytesIO(data)) as opened:
    assert not jpeg_header.header(opened)._replace(regular=False).regular
    opened.quantization[1][63] = 300
    assert not jpeg_header.header(opened).regular
