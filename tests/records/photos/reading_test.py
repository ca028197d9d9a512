import io
import os
import pathlib
import pickle
import re
import struct
import time
import zlib

from etils import epath
import numpy as np
from PIL import Image
import pytest

from deblock.records.photos import reading

_CASES = pathlib.Path(__file__).parents[2] / "cases"
_RAMP = np.arange(6 * 4 * 3, dtype=np.uint8).reshape(6, 4, 3)


def _saved(path, picture, **options):
  picture.save(path, **options)
  return str(path)


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "ppm"])
def test_lossless_colour_is_read_as_it_is(tmp_path, suffix):
  path = _saved(tmp_path / f"a.{suffix}", Image.fromarray(_RAMP))
  pixels = reading.read_rgb(path)
  assert pixels.dtype == np.uint8
  np.testing.assert_array_equal(pixels, _RAMP)


def test_orientation_is_applied(tmp_path):
  exif = Image.Exif()
  exif[0x0112] = 6  # To be turned a quarter clockwise.
  path = _saved(tmp_path / "a.png", Image.fromarray(_RAMP), exif=exif)
  np.testing.assert_array_equal(reading.read_rgb(path), np.rot90(_RAMP, -1))


def test_transparency_lies_on_white(tmp_path):
  pixels = np.zeros((2, 2, 4), np.uint8)
  pixels[0, 0] = (10, 20, 30, 255)
  path = _saved(tmp_path / "a.png", Image.fromarray(pixels))
  read = reading.read_rgb(path)
  assert read[0, 0].tolist() == [10, 20, 30]
  assert (read[1] == 255).all()


def test_gray_with_transparency_and_palettes_become_colour(tmp_path):
  gray = Image.fromarray(_RAMP[..., 0])
  alpha = Image.merge("LA", (gray, Image.new("L", gray.size, 255)))
  for number, picture in enumerate((gray, alpha, gray.convert("P"))):
    read = reading.read_rgb(_saved(tmp_path / f"{number}.png", picture))
    np.testing.assert_array_equal(read, np.repeat(_RAMP[..., :1], 3, axis=2))


def test_two_colours_are_black_and_white(tmp_path):
  picture = Image.fromarray(np.array([[0, 255], [255, 0]], np.uint8)).convert("1")
  read = reading.read_rgb(_saved(tmp_path / "a.png", picture))
  assert read[..., 0].tolist() == [[0, 255], [255, 0]]


def test_the_high_byte_of_16_bits_is_kept(tmp_path):
  samples = np.array([[0, 255, 256], [0x1234, 0xFF00, 0xFFFF]], np.uint16)
  for suffix in ("png", "tif"):
    read = reading.read_rgb(_saved(tmp_path / f"a.{suffix}", Image.fromarray(samples)))
    assert read[..., 1].tolist() == [[0, 0, 1], [0x12, 0xFF, 0xFF]]


def test_cmyk_becomes_rgb(tmp_path):
  picture = Image.new("CMYK", (8, 8), (0, 255, 255, 0))
  read = reading.read_rgb(_saved(tmp_path / "a.tif", picture))
  assert (read == (255, 0, 0)).all()


def test_a_picture_with_a_preview_behind_it_is_read(tmp_path):
  picture = Image.fromarray(np.full((16, 16, 3), 90, np.uint8))
  path = _saved(
    tmp_path / "a.jpg", picture, format="MPO", save_all=True, append_images=[picture.copy()]
  )
  assert reading.read_rgb(path).shape == (16, 16, 3)


def _problem(path, **options):
  with pytest.raises(reading.ImageError) as caught:
    reading.read_rgb(str(path), **options)
  assert str(caught.value) == f"{path}: {caught.value.reason}"
  return caught.value.reason


def test_an_empty_file_is_named(tmp_path):
  path = tmp_path / "empty.png"
  path.write_bytes(b"")
  assert _problem(path) == "cannot be read as an image: the file is empty"


def test_a_file_that_is_no_image_is_named(tmp_path):
  path = tmp_path / "text.png"
  path.write_text("These are words.")
  assert _problem(path) == "cannot be read as an image: it has no known image format"


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "webp"])
def test_a_truncated_file_is_named(tmp_path, photograph, suffix):
  path = tmp_path / f"cut.{suffix}"
  Image.fromarray(photograph(64, 64)).save(path)
  path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
  assert _problem(path).startswith("cannot be read as an image: ")


def test_a_missing_file_and_a_folder_are_named(tmp_path):
  assert "cannot be read: " in _problem(tmp_path / "none.png")
  assert "cannot be read: " in _problem(tmp_path)


def test_too_many_pixels_are_refused_before_decoding(tmp_path):
  path = _saved(tmp_path / "large.png", Image.new("RGB", (100, 50)))
  assert reading.read_rgb(path, max_pixels=5000).shape == (50, 100, 3)
  reason = _problem(path, max_pixels=4999)
  assert reason == "is too large: 100x50 pixels, more than 4999 in all"


def test_the_decoder_itself_stops_a_bomb(tmp_path, monkeypatch):
  path = _saved(tmp_path / "bomb.png", Image.new("RGB", (100, 50)))
  monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
  assert "decompression bomb" in _problem(path)


@pytest.mark.parametrize("suffix", ["gif", "tif", "webp"])
def test_several_frames_are_no_photograph(tmp_path, suffix):
  frames = [Image.new("RGB", (8, 8), color) for color in ("red", "blue", "green")]
  path = tmp_path / f"a.{suffix}"
  frames[0].save(path, save_all=True, append_images=frames[1:])
  assert _problem(path) == "is not a single photograph: it has several frames or pages"


def test_pages_are_not_counted(tmp_path):
  # Each directory leads to the next: 20,000 pages in 2 MB, which Pillow would count for 10 s.
  entries = ((256, 4), (257, 4), (258, 8), (259, 1), (262, 1), (273, 8), (279, 16))
  pages = 20_000
  size = 2 + 12 * len(entries) + 4
  directory = struct.pack("<H", len(entries))
  directory += b"".join(struct.pack("<HHLL", tag, 4, 1, value) for tag, value in entries)
  links = [24 + size * (number + 1) for number in range(pages - 1)] + [0]
  data = b"II*\0" + struct.pack("<L", 24) + bytes(16)
  data += b"".join(directory + struct.pack("<L", link) for link in links)
  (tmp_path / "a.tif").write_bytes(data)
  before = time.process_time()
  assert _problem(tmp_path / "a.tif").endswith("it has several frames or pages")
  assert time.process_time() - before < 1.0


def test_what_is_no_file_or_too_large_is_refused_before_it_is_read(tmp_path):
  os.mkfifo(tmp_path / "pipe.jpg")
  assert _problem(tmp_path / "pipe.jpg") == "cannot be read: it is a pipe, not a regular file"
  with (tmp_path / "hole.png").open("wb") as file:
    file.truncate(2**40)
  reason = f"is too large: {2**40} bytes, more than {reading.MAX_BYTES}"
  assert _problem(tmp_path / "hole.png") == reason
  with pytest.raises(reading.FileTooLargeError) as caught:
    reading.read_bytes(str(tmp_path / "hole.png"))
  assert isinstance(pickle.loads(pickle.dumps(caught.value)), reading.FileTooLargeError)


def _header_of_png(width, height):
  """Returns the beginning of a PNG of that size."""
  header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
  data = b"IDAT" + zlib.compress(bytes(100))
  chunks = (
    struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in (header, data)
  )
  return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.mark.parametrize(
  ("size", "reason"),
  [((60000, 60000), "decompression bomb"), ((13000, 13000), "too large: 13000x13000")],
)
def test_a_bomb_is_refused_by_its_header_alone(tmp_path, size, reason):
  path = tmp_path / "bomb.png"
  path.write_bytes(_header_of_png(*size))
  before = time.process_time()
  assert reason in _problem(path)
  # Ten gigabytes of zeros take seconds; this takes a millisecond.
  assert time.process_time() - before < 0.5


def test_bombs_of_other_formats_are_refused_by_their_headers_too(tmp_path):
  picture = Image.new("RGB", (16, 16), "red")
  picture.save(tmp_path / "bomb.jpg")
  data = bytearray((tmp_path / "bomb.jpg").read_bytes())
  frame = data.index(b"\xff\xc0")
  data[frame + 5 : frame + 9] = struct.pack(">HH", 65500, 65500)
  (tmp_path / "bomb.jpg").write_bytes(data)
  picture.save(tmp_path / "bomb.webp", lossless=True)
  data = bytearray((tmp_path / "bomb.webp").read_bytes())
  # 14 bits each of width and height, less 1.
  place = data.index(b"VP8L") + 9
  (bits,) = struct.unpack_from("<L", data, place)
  struct.pack_into("<L", data, place, bits & ~(2**28 - 1) | 16382 << 14 | 16382)
  (tmp_path / "bomb.webp").write_bytes(data)
  before = time.process_time()
  assert "(4290250000 pixels) exceeds limit" in _problem(tmp_path / "bomb.jpg")
  assert "(268402689 pixels) exceeds limit" in _problem(tmp_path / "bomb.webp")
  assert time.process_time() - before < 0.5


def test_an_animated_png_is_no_photograph(tmp_path):
  frames = [Image.new("RGB", (8, 8), color) for color in ("red", "blue")]
  path = tmp_path / "a.png"
  frames[0].save(path, save_all=True, append_images=frames[1:])
  assert _problem(path) == "is not a single photograph: it has several frames or pages"


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("missing", [0.9, 0.02])
def test_a_truncated_jpeg_is_named(tmp_path, photograph, progressive, missing):
  path = tmp_path / "cut.jpg"
  Image.fromarray(photograph(64, 64)).save(path, progressive=progressive)
  data = path.read_bytes()
  path.write_bytes(data[: len(data) - int(len(data) * missing)])
  assert "cannot be read as an image: " in _problem(path)


@pytest.mark.parametrize("content", ["PNG", "JPEG", "BMP", "WEBP", "TIFF", "JPEG2000"])
def test_the_format_is_told_by_the_content(tmp_path, content):
  path = _saved(tmp_path / "a.jpg", Image.fromarray(_RAMP), format=content)
  found = reading.read_picture(path)
  assert found.format == content
  assert found.pixels.shape == _RAMP.shape
  if content == "PNG":
    np.testing.assert_array_equal(found.pixels, _RAMP)


def test_a_picture_with_a_preview_is_a_jpeg(tmp_path):
  picture = Image.new("RGB", (16, 16), "teal")
  path = _saved(
    tmp_path / "a.jpg", picture, format="MPO", save_all=True, append_images=[picture.copy()]
  )
  assert reading.read_picture(path).format == "JPEG"


def test_bytes_are_decoded_as_the_file_is(tmp_path):
  path = pathlib.Path(_saved(tmp_path / "a.png", Image.fromarray(_RAMP)))
  found = reading.decode_picture(path.read_bytes(), "somewhere")
  np.testing.assert_array_equal(found.pixels, reading.read_picture(str(path)).pixels)
  with pytest.raises(reading.ImageError, match=r"^somewhere: cannot be read as an image: "):
    reading.decode_picture(b"nothing", "somewhere")
  with pytest.raises(reading.ImageError, match=r"^somewhere: is too large: 4x6 "):
    reading.decode_picture(path.read_bytes(), "somewhere", max_pixels=23)


def test_links_to_nothing_and_to_themselves_are_named(tmp_path):
  (tmp_path / "dangling.png").symlink_to(tmp_path / "none")
  (tmp_path / "loop.png").symlink_to(tmp_path / "loop.png")
  assert "No such file" in _problem(tmp_path / "dangling.png")
  assert "symbolic links" in _problem(tmp_path / "loop.png")


def test_a_folder_with_the_name_of_an_image_is_named(tmp_path):
  (tmp_path / "x.png").mkdir()
  assert "Is a directory" in _problem(tmp_path / "x.png")


def test_a_file_that_may_not_be_read_is_named(open_folder, as_nobody):
  path = open_folder / "a.png"
  Image.fromarray(_RAMP).save(path)
  with as_nobody():
    np.testing.assert_array_equal(reading.read_rgb(str(path)), _RAMP)
  path.chmod(0)
  with as_nobody():
    assert "Permission denied" in _problem(path)


def test_a_remote_file_names_the_package_that_reads_it(monkeypatch):
  # As where TensorFlow, which reads gs:// too, is not installed.
  monkeypatch.setattr(epath.gpath, "_is_tf_installed", lambda: False)
  assert _problem("gs://bucket/a.png") == (
    "cannot be read: Please install gcsfs to access Google Storage"
  )
  assert _problem("none://host/a.png") == "cannot be read: no file system is known for none://"


def test_floating_point_is_refused(tmp_path):
  path = _saved(tmp_path / "a.tif", Image.fromarray(np.zeros((4, 4), np.float32)))
  assert "floating-point" in _problem(path)


def test_the_error_survives_the_way_between_processes():
  error = pickle.loads(pickle.dumps(reading.ImageError("a.png", "is bad")))
  assert (error.path, error.reason, str(error)) == ("a.png", "is bad", "a.png: is bad")


@pytest.mark.parametrize(
  ("name", "reason"),
  [
    ("p_12bit.jpg", "is a JPEG of 12 bits a sample; only 8 are supported"),
    ("s_dnl.jpg", "is a JPEG whose height stands behind the image (DNL), which is not supported"),
    ("w_real.heic", "is a HEIC file, which is not supported: convert it to PNG first"),
  ],
)
def test_valid_files_of_other_kinds_are_called_what_they_are(name, reason):
  data = (_CASES / name).read_bytes()
  with pytest.raises(reading.ImageError) as caught:
    reading.decode_picture(data, "a")
  assert caught.value.reason == reason


def test_a_jpeg_xl_is_called_what_it_is():
  with pytest.raises(reading.ImageError, match=r"is a JPEG XL file, .* djxl gives back the JPEG"):
    reading.decode_picture(b"\xff\x0a" + bytes(90), "a")


@pytest.mark.parametrize("padding", [b"", bytes(1), bytes(5000)])
def test_where_the_end_marker_alone_is_missing_the_image_is_read(padding):
  data = (_CASES / "s_noeoi.jpg").read_bytes()
  expected = reading.decode_picture(data + b"\xff\xd9", "a").pixels
  np.testing.assert_array_equal(reading.decode_picture(data + padding, "a").pixels, expected)
  for cut in (1, 2, 5, 100):
    with pytest.raises(reading.ImageError, match="the file is truncated"):
      reading.decode_picture(data[:-cut] + padding, "a")


def test_a_progressive_jpeg_without_its_last_scans_is_truncated(photograph):
  buffer = io.BytesIO()
  Image.fromarray(photograph(40, 56)).save(buffer, "JPEG", progressive=True)
  data = buffer.getvalue()
  assert reading.decode_picture(data[:-2], "a").pixels.shape == (40, 56, 3)
  for scan in [found.start() for found in re.finditer(rb"\xff\xda", data)][1:]:
    with pytest.raises(reading.ImageError, match="the file is truncated"):
      reading.decode_picture(data[:scan], "a")


def test_an_error_can_be_printed_whatever_the_name():
  error = reading.ImageError(os.fsdecode(b"caf\xe9.png"), "is empty")
  assert str(error) == r"caf\xe9.png: is empty"
