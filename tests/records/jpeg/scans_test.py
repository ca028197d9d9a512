import io
import struct

import numpy as np
from PIL import Image
import pytest

from deblock.records.jpeg import scans as jpeg_scans
from deblock.records.photos import original, reading


def _data(pixels, **options):
  buffer = io.BytesIO()
  Image.fromarray(pixels).save(buffer, "JPEG", **options)
  return buffer.getvalue()


def _promising(data, height, width):
  """Returns a JPEG whose header promises another size."""
  start = max(data.find(bytes((0xFF, kind))) for kind in (0xC0, 0xC2))
  return data[: start + 5] + struct.pack(">HH", height, width) + data[start + 9 :]


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("shape", [(512, 512, 3), (512, 512), (8, 3000, 3), (17, 1, 3)])
def test_nothing_speaks_against_the_emptiest_of_images(shape, progressive):
  # One colour, with tables made for it: nothing needs fewer bits.
  data = _data(np.zeros(shape, np.uint8), progressive=progressive, optimize=True, quality=10)
  assert jpeg_scans.problem(data) == ""
  restarts = _data(np.zeros(shape, np.uint8), restart_marker_blocks=1)
  assert jpeg_scans.problem(restarts) == ""


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize(
  ("subsampling", "blocks"), [("4:2:0", 120000), ("4:2:2", 160000), ("4:4:4", 240000)]
)
def test_a_file_too_short_for_its_blocks_is_refused(photograph, progressive, subsampling, blocks):
  whole = _data(photograph(40, 56), progressive=progressive, subsampling=subsampling)
  data = _promising(whole, 800, 6400)
  message = f"is damaged: {len(data)} bytes cannot hold its {blocks} blocks"
  for read in (original.decode, reading.decode_picture):
    with pytest.raises(reading.ImageError, match=rf"a\.jpg: {message}"):
      read(data, "a.jpg")
  # With a bit for each block a file is believed.
  filled = data + bytes(blocks // 8 - len(data))
  assert jpeg_scans.problem(filled) == "" and jpeg_scans.problem(filled[:-1]) != ""


def test_no_more_scans_are_decoded_than_make_sense(photograph):
  data = _data(photograph(16, 16), progressive=True)
  start = data.index(b"\xff\xda")
  scans = data[start:].count(b"\xff\xda")
  assert jpeg_scans.problem(data) == ""
  last = data[data.rindex(b"\xff\xda") : -2]
  many = data[:-2] + last * (jpeg_scans.MOST_SCANS - scans) + b"\xff\xd9"
  assert jpeg_scans.problem(many) == ""
  more = many[:-2] + last + b"\xff\xd9"
  assert jpeg_scans.problem(more) == "has 101 scans, more than 100"
  for read in (original.decode, reading.decode_picture):
    with pytest.raises(reading.ImageError, match="has 101 scans"):
      read(more, "a")


def _hidden(data, cover):
  """Returns a JPEG with 200 more scans, each behind a cover."""
  scan = data[data.rindex(b"\xff\xda") : -2]
  return data[:-2] + (cover + scan) * 200 + data[-2:]


@pytest.mark.parametrize("restarts", [0, 1])
def test_no_marker_hides_scans(photograph, restarts):
  # TEM, for example, has no length: with one, a scan behind it would pass for its content.
  data = _data(photograph(16, 16), progressive=True, restart_marker_blocks=restarts)
  covers = [bytes((0xFF, marker)) for marker in range(0x01, 0xFF)]
  covers += [bytes((0xFF, marker, 0, length)) for marker in range(0xC0, 0xFF) for length in (0, 1)]
  covers += [b"", b"\xff", b"\xff" * 9, b"garbage", b"\xff\0", b"\xff\0\xff\x01"]
  accepted = []
  for cover in covers:
    hidden = _hidden(data, cover)
    if jpeg_scans.problem(hidden):
      continue
    try:
      with Image.open(io.BytesIO(hidden)) as picture:
        picture.load()
    except (OSError, SyntaxError):
      continue
    accepted.append(cover[:2])
  # Behind an end of the image nothing is read.
  assert set(accepted) == {b"\xff\xd9"}


def test_the_work_of_all_scans_is_bounded(photograph):
  data = _data(photograph(16, 16), progressive=True, subsampling="4:4:4")
  assert jpeg_scans.problem(_promising(data, 11000, 12000) + bytes(10**6)) == ""
  scan = data[data.rindex(b"\xff\xda") : -2]
  many = _promising(data[:-2] + scan * 60 + data[-2:], 11000, 12000) + bytes(10**6)
  visits = jpeg_scans.work(many).visits
  assert visits > jpeg_scans.MOST_VISITS
  assert f"scans that pass over {visits} blocks in all, more than " in jpeg_scans.problem(many)
  for read in (original.decode, reading.decode_picture):
    with pytest.raises(reading.ImageError, match="scans that pass over"):
      read(many, "a")


def test_components_of_one_name_are_counted_by_the_largest(photograph):
  data = _data(photograph(51, 97))
  frame, scan = data.index(b"\xff\xc0"), data.index(b"\xff\xda")
  names = [frame + 10 + 3 * number for number in range(3)] + [scan + 5, scan + 7, scan + 9]
  alike = bytearray(data)
  for place in names:
    alike[place] = 1
  assert jpeg_scans.work(bytes(alike)).visits == 3 * 91


def test_a_file_of_countless_segments_is_refused_at_once(photograph):
  data = _data(photograph(16, 16))
  many = data[:2] + b"\xff\xfe\0\2" * jpeg_scans.MOST_SEGMENTS + data[2:]
  assert "has over 65536 segments" in jpeg_scans.problem(many)
  for read in (original.decode, reading.decode_picture):
    with pytest.raises(reading.ImageError, match="has over 65536 segments"):
      read(many, "a")


def test_what_looks_like_markers_inside_of_segments_is_none(photograph):
  scans = b"\xff\xda\x00\x02" * 200
  data = _data(photograph(16, 16), exif=b"Exif\0\0" + scans)
  assert jpeg_scans.problem(data) == ""
  # Nor is what follows the end, such as the preview behind a phone's picture.
  assert jpeg_scans.problem(data + _promising(data, 60000, 60000) + scans) == ""


def test_bare_files_hold_the_image_and_nothing_else(mutants):
  for name, data in mutants.seeds().items():
    if name.endswith(".jpg"):
      made = jpeg_scans.bare(data)
      np.testing.assert_array_equal(
        original.decode(made, name).samples, original.decode(data, name).samples
      )
      assert len(made) <= len(data) and jpeg_scans.end(made) == len(made), name
  bare = jpeg_scans.bare(mutants.seeds()["metadata.jpg"] + b"behind")
  assert not any(word in bare for word in (b"Exif", b"xmpmeta", b"ICC_PROFILE", b"behind"))


def test_segments_too_short_for_their_names_are_no_part_of_a_bare_file(mutants):
  data = mutants.seeds()["baseline.jpg"]
  for segment in (b"\xff\xe2\0\2MPF\0", b"\xff\xe0\0\7JFIF\0", b"\xff\xee\0\2"):
    assert jpeg_scans.bare(data[:2] + segment + data[2:]) == jpeg_scans.bare(data)


def test_work_counts_blocks_and_how_often_scans_visit_them(photograph):
  # 4:2:0: 7x13 blocks of luma, and 4x7 of chroma twice, all in one scan.
  assert jpeg_scans.work(_data(photograph(51, 97))) == (91 + 56, 91 + 56)
  progressive = _data(photograph(51, 97), progressive=True)
  assert jpeg_scans.work(progressive).blocks == 91 + 56
  # Pillow's script: the means twice, all other frequencies of luma four times, of chroma twice.
  assert jpeg_scans.work(progressive).visits == 2 * (91 + 56) + 4 * 91 + 2 * 56
  assert jpeg_scans.work(b"no JPEG at all") == (0, 0)


def test_what_encoders_write_is_regular_and_other_segments_are_not(photograph):
  for options in ({}, {"progressive": True}, {"restart_marker_rows": 1}, {"optimize": True}):
    assert jpeg_scans.is_regular(jpeg_scans.bare(_data(photograph(16, 16), **options)))
  data = jpeg_scans.bare(_data(photograph(16, 16)))
  frame, scan = data.index(b"\xff\xc0"), data.index(b"\xff\xda")
  length = 2 + int.from_bytes(data[frame + 2 : frame + 4], "big")

  def changed(place, value):
    return data[:place] + bytes((value,)) + data[place + 1 :]

  assert jpeg_scans.is_regular(data)
  irregular = {
    "two frames": data[:frame] + data[frame : frame + length] + data[frame:],
    "no frame": data[:frame] + data[frame + length :],
    "another segment": data[:scan] + b"\xff\xdc\0\4\0\x10" + data[scan:],
    "two components": changed(frame + 9, 2),
    "a factor of 0": changed(frame + 11, 0x02),
    "a factor of 5": changed(frame + 11, 0x25),
    "table 4": changed(frame + 12, 4),
    "two components of one name": changed(frame + 13, data[frame + 10]),
    "a frame that ends behind the file": data[: frame + length - 1],
  }
  for what, made in irregular.items():
    assert not jpeg_scans.is_regular(made), what
