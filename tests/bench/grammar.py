"""Any number of image files that follow their format, each reproducible by its number.

`mutants` damages files that encoders wrote. These are put together by the rules of JPEG, PNG and
TIFF: markers, lengths, tables, Huffman codes, scans, chunks with right checksums, directories. Most
are odd and consistent; each may break one rule in a place where it is looked for. So decoders get
beyond their first checks.
"""

import itertools
import struct
import zlib

import numpy as np

_SOF = (0xC0, 0xC0, 0xC1, 0xC2, 0xC2, 0xC2, 0xC9, 0xCA, 0xC3)
_SIDES = (1, 2, 7, 8, 9, 15, 16, 17, 31, 40, 64, 100)
_LARGE = (255, 1000, 5000, 20000, 65500, 65535)
_TYPES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
_TAGS = (254, 256, 257, 258, 259, 262, 270, 271, 273, 274, 277, 278, 279, 282, 306, 700, 34675)
_EXIF_TAGS = (0x829A, 0x9000, 0x9286, 0x927C, 0xA002, 0xA003, 0xA005, 0x8769, 0x8825, 0x0112)


def generated(number: int, seed: int = 0) -> tuple[str, bytes]:
  """Returns a description for a log, and the bytes of a file: the same at every call."""
  rng = np.random.default_rng((seed, number, 1))
  kind = str(rng.choice(("jpeg", "jpeg", "jpeg", "png", "tiff")))
  data = {"jpeg": _jpeg, "png": _png, "tiff": _tiff}[kind](rng)
  return f"{kind} by its rules", data


def _one(rng, choices, odd=(), share=0.03):
  """Returns one of the choices, or at times an odd one."""
  from_odd = odd and rng.random() < share
  return int(rng.choice(odd if from_odd else choices))


def _side(rng):
  return _one(rng, _SIDES, (0, *_LARGE), 0.04)


def _bytes(rng, most=64):
  return rng.integers(0, 256, int(rng.integers(0, most)), np.uint8).tobytes()


def _segment(rng, marker, content):
  length = len(content) + 2
  if rng.random() < 0.01:
    length = int(rng.choice((0, 1, 2, max(0, length - 1), length + 1, 0xFFFF)))
  fill = b"\xff" * _one(rng, (1,), (2, 9))
  return fill + bytes((marker,)) + struct.pack(">H", min(length, 0xFFFF)) + content


def _jpeg(rng):
  """Returns a JPEG: tables, a frame, scans with their tables, and segments of others between."""
  sof = int(rng.choice(_SOF))
  count = _one(rng, (1, 3, 3, 3, 4), (2, 5, 0))
  names = list(range(1, count + 1)) if rng.random() < 0.95 else [1] * count
  factors = [_one(rng, (0x11, 0x21, 0x22, 0x12, 0x41), (0, 0x14, 0x44, 0x55, 0x10)) for _ in names]
  if rng.random() < 0.8:
    factors[1:] = [0x11] * (count - 1)
  height, width = _side(rng), _side(rng)
  frame = struct.pack(">BHHB", _one(rng, (8,), (12, 0, 16)), height, width, count)
  for name, factor in zip(names, factors, strict=True):
    frame += bytes((name, factor, _one(rng, (0, 1), (2, 3, 4))))
  parts = [b"\xff\xd8", *_others(rng), *(_quantisation(rng, table) for table in (0, 1))]
  if rng.random() < 0.3:
    parts.append(_segment(rng, 0xDD, struct.pack(">H", _one(rng, (0, 1, 2, 5, 1000)))))
  parts.append(_segment(rng, sof, frame))
  parts += (_huffman(rng, place) for place in (0x00, 0x01, 0x10, 0x11))
  for first, last, bits, chosen in _script(rng, sof, names):
    if rng.random() < 0.2:
      parts += (_huffman(rng, int(rng.choice((0x00, 0x10, 0x11)))), *_others(rng))
    scan = bytes((len(chosen),))
    scan += b"".join(bytes((name, _one(rng, (0x00, 0x11, 0x01), (0x22, 0x33)))) for name in chosen)
    parts.append(_segment(rng, 0xDA, scan + bytes((first, last, bits))))
    parts.append(_entropy(rng, height * width))
  if rng.random() < 0.05:
    parts.append(_segment(rng, 0xDC, struct.pack(">H", height)))
  return b"".join(parts) + (b"\xff\xd9" if rng.random() < 0.9 else b"") + _bytes(rng, 3)


def _others(rng):
  """Returns segments that no pixel needs, and markers without one."""
  made = []
  while rng.random() < 0.4:
    marker = _one(rng, (0xE0, 0xE1, 0xE1, 0xE2, 0xED, 0xEE, 0xFE), (0x01, 0x05, 0xD3, 0xF0, 0xC8))
    if marker in (0x01, 0x05, 0xD3):
      made.append(bytes((0xFF, marker)))
      continue
    contents = {
      0xE0: b"JFIF\0\1\1\0\0\1\0\1\0\0",
      0xE1: b"Exif\0\0" + _directory(rng, _EXIF_TAGS),
      0xE2: rng.choice((b"MPF\0", b"ICC_PROFILE\0\1\1")).item() + _directory(rng, (0xB001, 0xB002)),
      0xED: b"Photoshop 3.0\x008BIM\x04\x04\0\0" + struct.pack(">L", _one(rng, (0, 4, 2**31))),
      0xEE: b"Adobe\0\x64\0\0\0\0" + bytes((_one(rng, (0, 1, 2)),)),
    }
    made.append(_segment(rng, marker, contents.get(marker, b"") + _bytes(rng)))
  return made


def _quantisation(rng, table):
  wide = rng.random() < 0.1
  least = 0 if rng.random() < 0.02 else 1
  steps = rng.integers(least, 600 if wide else 256, 64)
  content = steps.astype(">u2").tobytes() if wide else steps.astype(np.uint8).tobytes()
  return _segment(rng, 0xDB, bytes((table | wide << 4,)) + content)


def _huffman(rng, place):
  """Returns a table whose code is a prefix code, mostly; symbols are in range for its kind."""
  counts, room = [], 1
  for _ in range(16):
    room *= 2
    taken = int(rng.integers(0, min(room, 40) + 1)) if rng.random() < 0.5 else 0
    taken = min(taken, room - 1)
    counts.append(taken)
    room -= taken
  if rng.random() < 0.03:
    counts[int(rng.integers(16))] = int(rng.integers(256))
  total = min(sum(counts), 256)
  symbols = rng.integers(0, 12 if place < 0x10 else 256, total)
  return _segment(rng, 0xC4, bytes((place, *counts)) + symbols.astype(np.uint8).tobytes())


def _script(rng, sof, names):
  """Returns scans as (first, last, bits, names), right for the frame unless one rule is broken."""
  if sof not in (0xC2, 0xCA):
    scans = [(0, 63, 0, names)] if rng.random() < 0.6 else [(0, 63, 0, [name]) for name in names]
  else:
    low = int(rng.integers(0, 3))
    scans = [(0, 0, low, names)]
    cuts = sorted({1, 64, *(int(cut) for cut in rng.integers(2, 64, rng.integers(0, 4)))})
    bands = list(itertools.pairwise(cuts))
    scans += [(a, b - 1, low, [name]) for name in names for a, b in bands]
    for bit in range(low, 0, -1):
      scans.append((0, 0, bit << 4 | bit - 1, names))
      scans += [(1, 63, bit << 4 | bit - 1, [name]) for name in names]
  if rng.random() < 0.1:
    scans *= int(rng.choice((2, 30)))
  if rng.random() < 0.1 and scans:
    place = int(rng.integers(len(scans)))
    scans[place] = (_one(rng, (0, 1, 63, 64)), _one(rng, (0, 63, 64)), _one(rng, (0, 13, 255)), [9])
  return scans if rng.random() < 0.95 else scans[:-1]


def _entropy(rng, pixels):
  """Returns coded data: random bits, with zeros behind 0xFF and at times restart markers."""
  size = int(rng.integers(0, min(pixels, 5000) + 20))
  data = rng.integers(0, 256, size, np.uint8) & int(rng.choice((255, 255, 127, 16, 0)))
  coded = data.tobytes().replace(b"\xff", b"\xff\0")
  if rng.random() < 0.2:
    step = max(1, len(coded) // 9)
    pieces = [coded[start : start + step] for start in range(0, len(coded), step)]
    coded = b"".join(
      piece + bytes((0xFF, 0xD0 + number % 8)) for number, piece in enumerate(pieces)
    )
  return coded


def _chunk(rng, name, content):
  checksum = zlib.crc32(content, zlib.crc32(name))
  length = len(content) if rng.random() < 0.995 else int(rng.choice((0, 2**31 - 1, 2**32 - 1)))
  return struct.pack(">L", length) + name + content + struct.pack(">L", checksum)


def _png(rng):
  """Returns a PNG of any kind of pixels, with chunks that belong to it and others."""
  kind = _one(rng, (0, 2, 3, 4, 6), (1, 5, 7))
  depth = _one(rng, (1, 2, 4, 8, 16) if kind == 0 else (8, 16) if kind != 3 else (1, 8), (3, 32))
  width, height, laced = _side(rng), _side(rng), _one(rng, (0, 0, 1), (2,))
  header = struct.pack(">LLBBBBB", width, height, depth, kind, 0, 0, laced)
  parts = [b"\x89PNG\r\n\x1a\n", _chunk(rng, b"IHDR", header)]
  others = {
    b"gAMA": struct.pack(">L", _one(rng, (45455, 0, 2**32 - 1))),
    b"pHYs": struct.pack(">LLB", _one(rng, (0, 2835, 2**32 - 1)), 1, 1),
    b"tEXt": b"Comment\0" + _bytes(rng),
    b"zTXt": b"Comment\0\0" + zlib.compress(bytes(int(rng.choice((10, 3 * 10**6))))),
    b"iTXt": b"XML:com.adobe.xmp\0\0\0\0\0" + _bytes(rng),
    b"eXIf": _directory(rng, _EXIF_TAGS),
    b"iCCP": b"p\0\0" + zlib.compress(_bytes(rng, 300)),
    b"tRNS": _bytes(rng, 12),
    b"acTL": struct.pack(">LL", _one(rng, (1, 2, 2**31)), 0),
  }
  if kind == 3:
    parts.append(_chunk(rng, b"PLTE", _bytes(rng, 257) * 3))
  for name in rng.choice(list(others), int(rng.integers(0, 4))):
    parts.append(_chunk(rng, bytes(name), others[bytes(name)]))
  channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}.get(kind, 1)
  row = 1 + -(-width * depth * channels // 8)
  size = min(row * height + _one(rng, (0,), (-5, 100), 0.1), 200_000)
  pixels = rng.integers(0, 5, max(0, size), np.uint8).tobytes()
  stream = zlib.compress(pixels, 1)
  for part in (stream[: len(stream) // 2], stream[len(stream) // 2 :]):
    parts.append(_chunk(rng, b"IDAT", part))
  if rng.random() < 0.1:
    parts.append(_chunk(rng, b"eXIf", others[b"eXIf"]))
  return b"".join((*parts, _chunk(rng, b"IEND", b"")))


def _directory(rng, tags, start=8, order="<"):
  """Returns tags with a header, whose values lie behind them, or anywhere."""
  chosen = [int(tag) for tag in rng.choice(tags, int(rng.integers(1, 8)))]
  ends = start + 2 + 12 * len(chosen) + 4
  entries, values = b"", b""
  for tag in chosen:
    kind = _one(rng, list(_TYPES), (0, 13, 99))
    count = _one(rng, (1, 1, 2, 4, 20), (0, 10**6, 2**32 - 1))
    size = _TYPES.get(kind, 1) * count
    place = ends + len(values) if rng.random() < 0.9 else int(rng.choice((0, 8, start, 2**31)))
    if size > 4:
      values += rng.integers(0, 256, min(size, 400), np.uint8).tobytes()
    else:
      place = int(rng.choice((0, 1, 3, 8, start, 65535)))
    entries += struct.pack(f"{order}HHLL", tag, kind, count, place)
  following = int(rng.choice((0, 0, 8, start, ends)))
  head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}L", start)
  directory = struct.pack(f"{order}H", len(chosen)) + entries + struct.pack(f"{order}L", following)
  return head + bytes(start - 8) + directory + values


def _tiff(rng):
  """Returns a TIFF file of one image in strips, with tags that belong to it and others."""
  width, height = _side(rng), _side(rng)
  bands = _one(rng, (1, 3, 4), (0, 2, 9))
  bits, compression = _one(rng, (8, 8, 16, 1), (3, 32)), _one(rng, (1, 1, 8, 5, 32773, 7), (2, 99))
  rows = _one(rng, (1, 8, max(height, 1)), (0, 2**31))
  size = min(width * height * max(bands, 1) * max(bits // 8, 1), 100_000)
  pixels = rng.integers(0, 9, size, np.uint8).tobytes()
  pixels = zlib.compress(pixels) if compression == 8 else pixels
  values = {
    **{256: width, 257: height, 258: bits, 259: compression, 273: 16, 277: bands, 278: rows},
    **{262: _one(rng, (1 if bands == 1 else 2,), (0, 3, 5, 6, 99), 0.2), 279: len(pixels)},
    **{284: _one(rng, (1,), (2, 3)), 317: _one(rng, (1,), (2, 3))},
  }
  if bands > 2:
    values[258] = 8  # Where the bits of all bands are.
  for tag in rng.choice(_TAGS, int(rng.integers(0, 3))):
    values[int(tag)] = _one(rng, (0, 1, 8), (2**31,))
  if rng.random() < 0.05:
    values.pop(int(rng.choice(list(values))))
  counts = {258: (3, max(bands, 1))}
  entries = b"".join(
    struct.pack("<HHLL", tag, *counts.get(tag, (4, _one(rng, (1,), (0, 2, 1000), 0.01))), value)
    for tag, value in sorted(values.items())
  )
  start = 16 + len(pixels)
  following = _one(rng, (0,), (8, start))
  directory = struct.pack("<H", len(values)) + entries + struct.pack("<L", following)
  return b"II*\0" + struct.pack("<L4H", start, *[bits] * 4) + pixels + directory
