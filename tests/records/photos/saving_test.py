import io

import numpy as np
from PIL import Image
import pytest

from deblock.records.jpeg import header as jpeg_header
from deblock.records.jpeg import tables as jpeg_tables
from deblock.records.photos import formats, original, saving
from deblock.records.photos import metadata as metadata_lib

_EXIF = Image.Exif()
_EXIF[271] = "Maker"
_EXIF[256] = 12345  # A width that some cameras write, and that no TIFF must believe.
_METADATA = metadata_lib.Metadata(_EXIF.tobytes(), b"a profile", b"<x/>", (300.0, 150.0))
_NOTHING = metadata_lib.Metadata()
_LOSSLESS = ("png", "webp", "tiff")
_EXPOSURE, _LENS, _NORTH, _LATITUDE = 33434, 0xA434, 1, 2


def _opened(samples, format_name, alpha=None, metadata=_NOTHING):
  data, notes = saving.encode(samples, alpha, metadata, format_name)
  picture = Image.open(io.BytesIO(data))
  picture.load()
  return picture, notes


@pytest.mark.parametrize("format_name", formats.FORMATS)
def test_everything_is_kept_that_the_format_has(photograph, format_name):
  pixels = photograph(24, 40)
  picture, notes = _opened(pixels, format_name, metadata=_METADATA)
  exif = picture.getexif()
  assert exif[271] == "Maker"
  assert picture.info["icc_profile"] == b"a profile"
  xmp = picture.info["xmp"]
  assert (xmp.encode() if isinstance(xmp, str) else xmp) == b"<x/>"
  if format_name == "webp":
    assert notes == ("resolution left out, as webp has none",)
  else:
    assert picture.info["dpi"] == pytest.approx((300, 150), abs=0.02)
  assert picture.size == (40, 24)
  difference = np.abs(np.asarray(picture).astype(int) - pixels)
  assert difference.max() == 0 if format_name in _LOSSLESS else difference.mean() < 4


@pytest.mark.parametrize("format_name", formats.FORMATS)
def test_without_metadata_there_are_none(photograph, format_name):
  picture, _ = _opened(photograph(8, 8), format_name)
  assert 271 not in picture.getexif()
  assert not {"exif", "icc_profile", "xmp"} & picture.info.keys()


@pytest.mark.parametrize("format_name", formats.FORMATS)
def test_gray_stays_gray_where_the_format_has_it(photograph, format_name):
  gray = photograph(8, 16)[..., 0]
  picture, _ = _opened(gray, format_name)
  assert picture.mode == ("RGB" if format_name == "webp" else "L")
  if format_name in _LOSSLESS:
    np.testing.assert_array_equal(np.asarray(picture.convert("L")), gray)


@pytest.mark.parametrize("format_name", formats.FORMATS)
def test_alpha_is_kept_or_laid_on_white(photograph, format_name):
  pixels = photograph(8, 16)
  alpha = np.zeros((8, 16), np.uint8)
  picture, notes = _opened(pixels, format_name, alpha)
  if format_name == "jpg":
    assert notes == ("transparency laid on white, as jpg has none",)
    assert picture.mode == "RGB" and np.asarray(picture).min() > 250
  else:
    assert notes == ()
    np.testing.assert_array_equal(np.asarray(picture), np.dstack([pixels, alpha]))


@pytest.mark.parametrize("format_name", formats.FORMATS)
def test_16_bits_stay_or_are_rounded(format_name):
  deep = np.random.default_rng(0).integers(0, 65536, (8, 8)).astype(np.uint16)
  picture, notes = _opened(deep, format_name)
  if format_name in ("png", "tiff"):
    np.testing.assert_array_equal(np.asarray(picture), deep)
    assert notes == ()
  else:
    assert notes == (f"16 bits became 8, as {format_name} has no more",)


def test_jpg_is_of_quality_95_with_full_chroma(photograph):
  picture, _ = _opened(photograph(16, 16), "jpg")
  assert [layer[1:3] for layer in picture.layer] == [(1, 1)] * 3
  assert picture.quantization[0][0] == 2


def _steps(data):
  with Image.open(io.BytesIO(data)) as picture:
    tables = np.array([picture.quantization[number] for number in sorted(picture.quantization)])
    return tables.reshape(-1, 8, 8), [layer[1:3] for layer in picture.layer], picture.info


def test_jpg_is_never_coarser_than_the_steps_asked_for(photograph):
  usual = jpeg_tables.quantization_tables(95)
  fine = usual.copy()
  fine[:, 1, 2] = 1
  steps = fine + np.where(fine == 1, 0, 40)
  data, _ = saving.encode(photograph(40, 40), None, _NOTHING, "jpg", steps)
  found, sampling, info = _steps(data)
  np.testing.assert_array_equal(found, fine)
  assert sampling == [(1, 1)] * 3 and info["progressive"]
  data, _ = saving.encode(photograph(40, 40)[..., 0], None, _NOTHING, "jpg", steps)
  found, sampling, _ = _steps(data)
  np.testing.assert_array_equal(found, fine[:1])
  assert sampling == [(1, 1)]


def test_noise_at_the_finest_steps_can_be_written():
  noise = np.random.default_rng(0).integers(0, 256, (700, 700, 3)).astype(np.uint8)
  data, _ = saving.encode(noise, None, _NOTHING, "jpg", np.ones((2, 8, 8), np.int32))
  assert len(data) > 2 * 700 * 700
  found = original.decode(data, "a").samples
  assert np.abs(found.astype(int) - noise).max() <= 4


@pytest.mark.parametrize("side", [32, 256])
@pytest.mark.parametrize("sampling", ["4:2:0", "4:4:4"])
def test_a_jpeg_has_the_tables_and_the_sampling_asked_for_and_the_smaller_order_of_scans(
  photograph, sampling, side
):
  pixels, tables = photograph(side, side), np.arange(1, 129).reshape(2, 8, 8)
  data, notes = saving.encode_jpeg(pixels, _NOTHING, tables, sampling)
  with Image.open(io.BytesIO(data)) as made:
    assert (jpeg_header.header(made).tables == tables).all() and notes == ()
    factors = [layer[1:3] for layer in made.layer]
    qtables = [made.quantization[0], made.quantization[1]]
  assert factors == ([(2, 2), (1, 1), (1, 1)] if sampling == "4:2:0" else 3 * [(1, 1)])
  sizes = []
  for progressive in (False, True):
    stream = io.BytesIO()
    options = {"qtables": qtables, "subsampling": sampling, "progressive": progressive}
    Image.fromarray(pixels).save(stream, "JPEG", optimize=True, **options)
    sizes.append(len(stream.getvalue()))
  assert len(data) == min(sizes) and sizes[0] != sizes[1]


def test_finest_steps_are_those_of_the_file_and_of_what_restored_it(mutants):
  header = original.decode(mutants.seeds()["baseline.jpg"], "a").header
  asked = jpeg_tables.quantization_tables(50)
  np.testing.assert_array_equal(saving.finest(asked, header), np.minimum(asked, header.tables))
  np.testing.assert_array_equal(saving.finest(None, header), header.tables)
  assert saving.finest(None, None) is None


@pytest.mark.parametrize(("format_name", "kind"), [("jpg", "JPEG"), ("png", "PNG")])
def test_an_untouched_file_is_copied_into_its_own_format_only(photograph, format_name, kind):
  buffer = io.BytesIO()
  Image.fromarray(photograph(8, 8)).save(buffer, kind, exif=_EXIF)
  data = buffer.getvalue()
  found = original.decode(data, "a")
  for other in formats.FORMATS:
    assert saving.copied(data, found, other, True) == (data if other == format_name else None)
  without = saving.copied(data, found, format_name, False)
  assert without is None if kind == "PNG" else b"Maker" not in without


@pytest.mark.parametrize("format_name", ["png", "tiff"])
@pytest.mark.parametrize("transparent", [False, True])
def test_16_bits_of_colour_stay(photograph, format_name, transparent):
  deep = photograph(8, 16).astype(np.uint16) * 200
  alpha = np.full((8, 16), 128, np.uint8) if transparent else None
  data, notes = saving.encode(deep, alpha, _METADATA, format_name)
  assert notes == ()
  found = original.decode(data, "a")
  assert found.metadata.xmp == b"<x/>" and found.metadata.icc == b"a profile"
  # Pillow reads the high byte alone.
  np.testing.assert_array_equal(found.samples, deep >> 8)
  assert (found.alpha is None) == (not transparent)


def _exif(exposure=True, place=True):
  tags = Image.Exif()
  tags[271] = "Maker"
  if exposure:
    tags.get_ifd(0x8769).update({_EXPOSURE: 0.5, _LENS: "a lens with a long name"})
  if place:
    tags.get_ifd(0x8825).update({_NORTH: "N", _LATITUDE: (52.0, 31.0, 12.5)})
  return tags.tobytes()


@pytest.mark.parametrize(("exposure", "place"), [(True, True), (True, False), (False, True)])
def test_a_compressed_tiff_file_has_every_directory(photograph, exposure, place):
  pixels = photograph(40, 57)
  metadata = metadata_lib.Metadata(_exif(exposure, place), dpi=(300.0, 150.0))
  made, _ = _opened(pixels, "tiff", metadata=metadata)
  np.testing.assert_array_equal(np.asarray(made), pixels)
  assert made.info["compression"] == "tiff_adobe_deflate" and made.info["dpi"] == (300, 150)
  exif = made.getexif()
  assert exif[271] == "Maker"
  detail, where = exif.get_ifd(0x8769), exif.get_ifd(0x8825)
  assert detail.get(_EXPOSURE) == (0.5 if exposure else None)
  assert detail.get(_LENS) == ("a lens with a long name" if exposure else None)
  assert where.get(_LATITUDE) == ((52.0, 31.0, 12.5) if place else None)


def test_exif_survives_two_tiff_files(photograph):
  metadata = metadata_lib.Metadata(_exif())
  for _ in range(2):
    data, _ = saving.encode(photograph(8, 8), None, metadata, "tiff")
    metadata = original.decode(data, "a").metadata
  found = Image.Exif()
  found.load(metadata.exif)
  assert found.get_ifd(0x8769)[_EXPOSURE] == 0.5 and found.get_ifd(0x8825)[_NORTH] == "N"


def test_what_a_jpeg_cannot_hold_is_left_out_and_noted(photograph):
  metadata = metadata_lib.Metadata(b"Exif\0\0" + b"x" * 65536, b"", b"x" * 65505)
  picture, notes = _opened(photograph(8, 8), "jpg", metadata=metadata)
  assert [note.split()[0] for note in notes] == ["EXIF", "XMP"]
  assert not {"exif", "xmp"} & picture.info.keys()


def test_an_image_that_is_too_long_is_refused():
  with pytest.raises(ValueError, match="too large for webp: 16384x1 pixels, at most 16383"):
    saving.encode(np.zeros((1, 16384, 3), np.uint8), None, metadata_lib.Metadata(), "webp")


def test_an_unknown_format_is_named():
  with pytest.raises(ValueError, match="format must be one of png, webp, tiff, jpg, got 'bmp'"):
    formats.check("bmp")
