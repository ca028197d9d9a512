import io

import numpy as np
from PIL import Image
import pytest
import tensorflow as tf

from deblock.records.jpeg import codec
from deblock.records.photos import original, reading

_XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><r tiff:Orientation="6" a="b"/></x:xmpmeta>'


def _data(picture, kind, **options):
  buffer = io.BytesIO()
  picture.save(buffer, kind, **options)
  return buffer.getvalue()


def _exif(orientation=None):
  exif = Image.Exif()
  exif[271] = "Maker"
  exif.get_ifd(0x8769)[33434] = 0.5  # ExposureTime
  if orientation is not None:
    exif[274] = orientation
  return exif


def _tags(exif):
  tags = Image.Exif()
  tags.load(exif)
  return tags


@pytest.fixture
def picture(photograph):
  return Image.fromarray(photograph(24, 40))


def test_a_jpeg_keeps_its_pixels_grid_and_header(picture):
  data = _data(picture, "JPEG", quality=30)
  found = original.decode(data, "a.jpg")
  np.testing.assert_array_equal(found.samples, codec.decode(data))
  assert found.format == "JPEG" and str(found.header) == "YCbCr 4:2:0"
  assert found.alpha is None and found.orientation == 1 and found.notes == ()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_an_orientation_becomes_a_turn_and_leaves_the_metadata(picture, kind):
  options = {"lossless": True} if kind == "WEBP" else {}
  data = _data(picture, kind, exif=_exif(6).tobytes(), xmp=_XMP, **options)
  found = original.decode(data, "a")
  np.testing.assert_array_equal(
    original.upright(found.samples, found.orientation), reading.decode_picture(data, "a").pixels
  )
  tags = _tags(found.metadata.exif)
  assert tags.get(274, 1) == 1 and tags[271] == "Maker"
  assert tags.get_ifd(0x8769)[33434] == 0.5
  # Pillow writes none into PNG and TIFF files.
  assert found.metadata.xmp == (_XMP.replace(b'"6"', b'"1"') if kind in ("JPEG", "WEBP") else b"")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_applied_once(picture, orientation):
  data = _data(picture, "PNG", exif=_exif(orientation))
  found = original.decode(data, "a")
  np.testing.assert_array_equal(found.samples, np.asarray(picture))
  expected = reading.decode_picture(data, "a").pixels
  np.testing.assert_array_equal(original.upright(found.samples, found.orientation), expected)
  assert (expected.shape[0] == 40) == (orientation > 4)


def test_gray_stays_gray_and_two_colours_become_it(picture):
  gray = picture.convert("L")
  np.testing.assert_array_equal(original.decode(_data(gray, "PNG"), "a").samples, np.asarray(gray))
  samples = original.decode(_data(gray.convert("1"), "PNG"), "a").samples
  assert samples.dtype == np.uint8 and set(np.unique(samples)) == {0, 255}


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bits_stay_16(kind):
  samples = np.random.default_rng(0).integers(0, 65536, (9, 7)).astype(np.uint16)
  found = original.decode(_data(Image.fromarray(samples), kind), "a")
  assert found.samples.dtype == np.uint16
  np.testing.assert_array_equal(found.samples, samples)


def test_16_bit_colour_is_noted():
  samples = np.full((4, 4, 3), 0x1234, np.uint16)
  found = original.decode(tf.io.encode_png(samples).numpy(), "a")
  assert found.notes == ("16-bit colour became 8-bit",)
  assert (found.samples == 0x12).all()


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_alpha_is_kept_beside_the_colours(picture, mode):
  alpha = np.arange(24 * 40, dtype=np.int64).reshape(24, 40) % 256
  if mode == "P":
    data = _data(picture.quantize(16), "PNG", transparency=3)
    found = original.decode(data, "a")
    assert set(np.unique(found.alpha)) == {0, 255} and found.samples.shape == (24, 40, 3)
    return
  opaque = picture.convert(mode[:-1])
  seen = opaque.copy()
  seen.putalpha(Image.fromarray(alpha.astype(np.uint8)))
  found = original.decode(_data(seen, "PNG"), "a")
  np.testing.assert_array_equal(found.samples, np.asarray(opaque))
  np.testing.assert_array_equal(found.alpha, alpha)


def test_a_palette_becomes_colour(picture):
  palette = picture.quantize(16)
  found = original.decode(_data(palette, "PNG"), "a")
  np.testing.assert_array_equal(found.samples, np.asarray(palette.convert("RGB")))


@pytest.mark.parametrize("profile", [b"", b"no profile"])
def test_cmyk_becomes_rgb_and_loses_its_profile(picture, profile):
  data = _data(picture.convert("CMYK"), "JPEG", quality=95, icc_profile=profile)
  found = original.decode(data, "a")
  assert found.notes == ("CMYK became RGB, without a profile",)
  assert found.metadata.icc == b""
  assert np.abs(found.samples.astype(int) - np.asarray(picture)).mean() < 8


def test_adobes_marker_tells_what_the_samples_are(mutants):
  data = mutants.seeds()["cmyk.jpg"]
  transform = data.index(b"Adobe") + 11
  plain, turned = (
    original.decode(data[:transform] + bytes([kind]) + data[transform + 1 :], "a")
    for kind in (0, 2)
  )
  assert (str(plain.header), str(turned.header)) == ("CMYK 4:4:4", "YCCK 4:4:4")
  assert plain.samples.shape == turned.samples.shape
  assert np.abs(plain.samples.astype(int) - turned.samples).mean() > 20
  assert str(original.decode(mutants.seeds()["adobe.jpg"], "a").header) == "RGB 4:2:0"


def test_arithmetic_coding_is_decoded_where_the_library_can(mutants):
  pieces = []
  for piece in mutants.segments(mutants.seeds()["baseline.jpg"]):
    if piece[1] == 0xC0:  # The same header announces another coding, without any data.
      piece = piece[:1] + b"\xc9" + piece[2:]
    pieces.append(piece[:14] + bytes(4) if piece[1] == 0xDA else piece)
  try:
    found = original.decode(b"".join(pieces), "a.jpg")
  except reading.ImageError as error:
    assert "a.jpg: cannot be read as an image" in str(error)
  else:
    assert found.samples.shape == (40, 56, 3) and str(found.header) == "YCbCr 4:2:0"


@pytest.mark.parametrize("cut", [0.3, 0.7, 0.99])
def test_a_truncated_jpeg_is_an_error_that_names_it(picture, cut):
  data = _data(picture, "JPEG")
  with pytest.raises(reading.ImageError, match=r"my/a\.jpg: cannot be read as an image: "):
    original.decode(data[: int(cut * len(data))], "my/a.jpg")


def test_a_bomb_and_several_frames_are_refused(picture):
  with pytest.raises(reading.ImageError, match="too large: 40x24 pixels, more than 959"):
    original.decode(_data(picture, "PNG"), "a", 959)
  data = _data(picture, "GIF", save_all=True, append_images=[picture.rotate(180)])
  with pytest.raises(reading.ImageError, match="several frames"):
    original.decode(data, "a")
