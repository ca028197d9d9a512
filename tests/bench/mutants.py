"""Any number of damaged image files, each reproducible by its number.

Small files of many kinds are made once, and damaged by one to three mutators: as disks and
transfers do (flipped bits, lost ends), and as an attacker would (segments of another file, absurd
dimensions, tables of zeros, a thousand scans).
"""

from collections.abc import Callable, Iterator
import functools
import io
import itertools
import pathlib
import re
import struct
import zlib

import numpy as np
from PIL import Image, ImageCms

_SOI, _EOI, _SOS, _DQT, _DHT, _DRI = 0xD8, 0xD9, 0xDA, 0xDB, 0xC4, 0xDD
_FRAMES = frozenset(range(0xC0, 0xD0)) - {_DHT, 0xC8, 0xCC}
_SIDES = (0, 1, 7, 8, 9, 63, 255, 1000, 4000, 16383, 20000, 32767, 65500, 65535)
_EXTREMES = (0, 1, 2, 127, 128, 254, 255)
# The first bytes hold the headers, where one bit matters most.
_HEADER = 700
_WIDE_DQT = b"\xff\xdb" + struct.pack(">HB64H", 131, 0x10, *range(200, 520, 5))
_ADOBE = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00"
# With metadata as cameras and programs write them: maker notes, IPTC, a gain map behind the image.
_FOLDER = pathlib.Path(__file__).parents[1] / "cases"
_CASES = (
  *("e_camera_o1_II.jpg", "exif1_xmp6.jpg"),
  *("m_gray_icc.jpg", "m_iptc_com.jpg", "m_ultrahdr.jpg"),
)


@functools.cache
def seeds() -> dict[str, bytes]:
  """Returns the undamaged files by name, a few kB each."""
  colour = _picture(40, 56)
  gray, deep = colour.convert("L"), _deep(24, 33)
  exif = Image.Exif()
  exif[271], exif[274] = "Maker", 6
  exif.get_ifd(0x8769)[33434] = 0.5  # ExposureTime
  icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
  xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><r tiff:Orientation="6"/></x:xmpmeta>'
  clear = colour.copy()
  clear.putalpha(gray)
  jpegs = {
    "baseline": (colour, {"quality": 30}),
    "baseline 422": (colour, {"quality": 60, "subsampling": "4:2:2"}),
    "baseline 444": (colour, {"quality": 80, "subsampling": "4:4:4", "optimize": True}),
    "progressive": (colour, {"quality": 40, "progressive": True}),
    "progressive 444": (colour, {"quality": 90, "subsampling": "4:4:4", "progressive": True}),
    "gray": (gray, {"quality": 20}),
    "cmyk": (colour.convert("CMYK"), {"quality": 50}),
    "rgb": (colour, {"quality": 70, "keep_rgb": True}),
    "restarts": (colour, {"quality": 50, "restart_marker_blocks": 2}),
    "metadata": (colour, {"quality": 50, "exif": exif, "icc_profile": icc, "xmp": xmp}),
    "odd": (colour.crop((3, 5, 20, 14)), {"quality": 10, "dpi": (300, 150)}),
    "good": (colour, {"quality": 98}),
  }
  made = {f"{name}.jpg": _data(picture, "JPEG", **kw) for name, (picture, kw) in jpegs.items()}
  start = made["baseline.jpg"].index(b"\xff\xdb")
  # Encoders warn of 16-bit tables, so this is put together by hand.
  made["wide.jpg"] = made["baseline.jpg"][:start] + _WIDE_DQT + made["baseline.jpg"][start + 69 :]
  made["adobe.jpg"] = made["baseline.jpg"][:2] + _ADOBE + made["baseline.jpg"][20:]
  screenshot = Image.open(io.BytesIO(made["baseline.jpg"])).convert("RGB")
  made["screenshot.png"] = _data(screenshot, "PNG", exif=exif, dpi=(72, 72))
  made["alpha.png"] = _data(clear, "PNG")
  made["palette.png"] = _data(colour.quantize(16), "PNG", transparency=3)
  made["deep.png"] = _data(deep, "PNG")
  made["lossless.webp"] = _data(clear, "WEBP", lossless=True, exif=exif, xmp=xmp)
  made["lossy.webp"] = _data(colour, "WEBP", quality=50)
  made["raw.tif"] = _data(colour, "TIFF", exif=exif, dpi=(72, 72))
  made["deflate.tif"] = _data(deep, "TIFF", compression="tiff_adobe_deflate")
  made["jpeg.tif"] = _data(colour, "TIFF", compression="jpeg")
  for name in _CASES:
    made[name] = (_FOLDER / name).read_bytes()
  made["colour.bmp"] = _data(colour, "BMP")
  made["palette.gif"] = _data(colour.quantize(16), "GIF")
  return made


def mutant(number: int, seed: int = 0) -> tuple[str, bytes]:
  """Returns a description for a log, and the damaged bytes: the same at every call."""
  rng = np.random.default_rng((seed, number))
  every = seeds()
  jpegs = [name for name in every if name.endswith(".jpg")]
  # Three quarters are JPEGs: more code than Pillow reads their headers.
  name = str(rng.choice(jpegs if rng.random() < 0.75 else list(every)))
  data, done = every[name], []
  for _ in range(rng.choice((1, 1, 1, 2, 3))):
    choices = (*_ANY, *_JPEG) if data[:2] == b"\xff\xd8" else (*_ANY, *_OTHER)
    change = choices[rng.integers(len(choices))]
    data = change(data, rng)
    done.append(change.__name__.removeprefix("_"))
  return f"{name}: {', '.join(done)}", data


def segments(data: bytes) -> list[bytes]:
  """Returns the pieces of a JPEG: each a marker with its segment and entropy-coded data.

  Joined, they are the data. Bytes that cannot be parsed become part of the last piece.
  """
  cuts = [0]
  for start, marker in _markers(data):
    if marker not in (_SOI, _EOI) and start + 4 > len(data):
      break
    cuts.append(start)
  cuts.append(len(data))
  return [data[a:b] for a, b in itertools.pairwise(cuts) if b > a]


def _markers(data) -> Iterator[tuple[int, int]]:
  place = 0
  while place + 1 < len(data) and data[place] == 0xFF:
    marker = data[place + 1]
    yield place, marker
    if marker == _SOI:
      place += 2
      continue
    if marker == _EOI or place + 4 > len(data):
      return
    place += 2 + int.from_bytes(data[place + 2 : place + 4], "big")
    if marker == _SOS:
      found = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]").search(data, place)
      if not found:
        return
      place = found.start()


def _picture(height, width):
  rows, columns = np.mgrid[:height, :width]
  waves = np.sin(columns / 5)[..., None] * (60, 40, 25) + 50 * np.cos(rows / 7)[..., None]
  noise = np.random.default_rng(0).normal(0, 6, (height, width, 3))
  return Image.fromarray(np.clip(128 + waves + noise, 0, 255).astype(np.uint8))


def _deep(height, width):
  samples = np.random.default_rng(0).integers(0, 65536, (height, width))
  return Image.fromarray(samples.astype(np.uint16))


def _data(picture, kind, **options):
  buffer = io.BytesIO()
  picture.save(buffer, kind, **options)
  return buffer.getvalue()


def _flip_bits(data, rng):
  spoilt = bytearray(data)
  last = len(data) if rng.random() < 0.5 else min(_HEADER, len(data))
  for place in rng.integers(0, max(last, 1), rng.choice((1, 2, 4, 16))):
    if place < len(spoilt):
      spoilt[place] ^= 1 << int(rng.integers(8))
  return bytes(spoilt)


def _set_bytes(data, rng):
  spoilt = bytearray(data)
  for place in rng.integers(0, max(min(_HEADER, len(data)), 1), rng.choice((1, 2, 4))):
    if place < len(spoilt):
      spoilt[place] = int(rng.choice(_EXTREMES))
  return bytes(spoilt)


def _set_numbers(data, rng):
  """Puts an extreme number of 2 or 4 bytes somewhere into the header."""
  size = int(rng.choice((2, 4)))
  value = int(rng.choice((0, 1, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF))) % (1 << 8 * size)
  place = int(rng.integers(0, max(1, min(_HEADER, len(data)) - size)))
  order = "big" if rng.random() < 0.5 else "little"
  return data[:place] + value.to_bytes(size, order) + data[place + size :]


def _truncate(data, rng):
  return data[: int(rng.integers(0, len(data) + 1))]


def _fill(data, rng):
  """Makes a stretch of one byte."""
  start, stop = _stretch(data, rng)
  value = int(rng.choice((0, 255, 0x41)))
  return data[:start] + bytes([value]) * (stop - start) + data[stop:]


def _repeat_stretch(data, rng):
  start, stop = _stretch(data, rng)
  return data[:stop] + data[start:stop] * int(rng.choice((1, 3, 20))) + data[stop:]


def _remove_stretch(data, rng):
  start, stop = _stretch(data, rng)
  return data[:start] + data[stop:]


def _join_another(data, rng):
  other = list(seeds().values())[rng.integers(len(seeds()))]
  return data[: rng.integers(len(data) + 1)] + other[rng.integers(len(other)) :]


def _stretch(data, rng):
  start = int(rng.integers(0, len(data) + 1))
  return start, min(len(data), start + int(rng.integers(1, 200)))


def _changed(data, rng, change):
  """Returns a JPEG after `change` (pieces, rng) altered its list of pieces."""
  pieces = segments(data)
  if len(pieces) > 1:
    change(pieces, rng)
  return b"".join(pieces)


def _splice_segments(data, rng):
  names = [name for name in seeds() if name.endswith(".jpg")]
  others = segments(seeds()[str(rng.choice(names))])

  def change(pieces, rng):
    for _ in range(rng.choice((1, 2, 5))):
      other = others[rng.integers(len(others))]
      place = int(rng.integers(1, len(pieces) + 1))
      pieces[place : place + int(rng.integers(2))] = [other]

  return _changed(data, rng, change)


def _drop_segment(data, rng):
  return _changed(data, rng, lambda pieces, rng: pieces.pop(rng.integers(len(pieces))))


def _repeat_segment(data, rng):
  def change(pieces, rng):
    place = int(rng.integers(len(pieces)))
    pieces[place:place] = [pieces[place]] * int(rng.choice((1, 2, 60, 1000)))

  return _changed(data, rng, change)


def _swap_segments(data, rng):
  def change(pieces, rng):
    one, other = rng.integers(1, len(pieces), 2)
    pieces[one], pieces[other] = pieces[other], pieces[one]

  return _changed(data, rng, change)


def _end_early(data, rng):
  """Cuts the entropy-coded data, but ends the file properly."""
  return data[: int(rng.integers(len(data) // 2, len(data) + 1))] + b"\xff\xd9"


def _in_segment(data, rng, markers, change):
  """Returns a JPEG after `change` (bytearray, rng) altered one segment of these markers."""

  def alter(pieces, rng):
    chosen = [n for n, piece in enumerate(pieces) if len(piece) > 4 and piece[1] in markers]
    if chosen:
      place = chosen[rng.integers(len(chosen))]
      piece = bytearray(pieces[place])
      change(piece, rng)
      pieces[place] = bytes(piece)

  return _changed(data, rng, alter)


def _dimensions(data, rng):
  def change(piece, rng):
    if len(piece) > 9:
      height, width = (int(side) for side in rng.choice(_SIDES, 2))
      piece[5:9] = struct.pack(">HH", height, width)

  return _in_segment(data, rng, _FRAMES, change)


def _frame(data, rng):
  """Changes components, sampling factors, precision or the kind of coding."""

  def change(piece, rng):
    place = int(rng.choice((1, 4, *range(9, len(piece))))) if len(piece) > 9 else 1
    piece[place] = (
      int(rng.choice(sorted(_FRAMES))) if place == 1 else int(rng.choice((*range(5), 17, 34, 68)))
    )

  return _in_segment(data, rng, _FRAMES, change)


def _tables(data, rng):
  """Makes quantisation or Huffman tables of zeros, of one value or of noise."""

  def change(piece, rng):
    count = len(piece) - 5
    way = rng.integers(3)
    noise = rng.integers(0, 256, count).astype(np.uint8).tobytes()
    piece[5:] = (bytes(count), bytes([int(rng.integers(256))]) * count, noise)[way]

  return _in_segment(data, rng, {_DQT, _DHT}, change)


def _scan_header(data, rng):
  def change(piece, rng):
    piece[int(rng.integers(4, min(14, len(piece))))] = int(rng.choice((0, 1, 2, 17, 63, 255)))

  return _in_segment(data, rng, {_SOS, _DRI}, change)


def _segment_length(data, rng):
  def change(piece, rng):
    piece[2:4] = struct.pack(">H", int(rng.choice((0, 1, 2, 3, 16, 0x7FFF, 0xFFFF))))

  return _in_segment(data, rng, set(range(256)), change)


def _other_dimensions(data, rng):
  """Changes the size that a PNG or BMP file states, checksum and all."""
  sides = [int(side) for side in rng.choice((*_SIDES, 100000, 2**31 - 1), 2)]
  if data[:4] == b"\x89PNG" and len(data) > 33:
    header = data[12:16] + struct.pack(">II", *sides) + data[24:29]
    return data[:12] + header + struct.pack(">I", zlib.crc32(header)) + data[33:]
  if data[:2] == b"BM" and len(data) > 26:
    return data[:18] + struct.pack("<ii", *sides) + data[26:]
  return _set_numbers(data, rng)


def _checksums(data, rng):
  """Flips a bit of a PNG's chunk and makes its checksum right again."""
  if data[:4] != b"\x89PNG":
    return _flip_bits(data, rng)
  spoilt, place, chunks = bytearray(data), 8, []
  while place + 12 <= len(data):
    length = int.from_bytes(data[place : place + 4], "big")
    if place + 12 + length > len(data):
      break
    chunks.append((place, length))
    place += 12 + length
  if chunks:
    place, length = chunks[rng.integers(len(chunks))]
    spoilt[place + 4 + int(rng.integers(4 + length))] ^= 1 << int(rng.integers(8))
    inside = spoilt[place + 4 : place + 8 + length]
    spoilt[place + 8 + length : place + 12 + length] = struct.pack(">I", zlib.crc32(inside))
  return bytes(spoilt)


_Mutator = Callable[[bytes, np.random.Generator], bytes]
_ANY: tuple[_Mutator, ...] = (
  *(_flip_bits, _set_bytes, _set_numbers, _truncate, _fill),
  *(_repeat_stretch, _remove_stretch, _join_another),
)
_JPEG: tuple[_Mutator, ...] = (
  *(_splice_segments, _drop_segment, _repeat_segment, _swap_segments, _end_early),
  *(_dimensions, _frame, _tables, _scan_header, _segment_length),
)
_OTHER: tuple[_Mutator, ...] = (_other_dimensions, _checksums)
