"""What the segments of a JPEG file say about it, without decoding it.

libjpeg makes up what is missing: a file of 1 kB whose header promises 100 megapixels decodes to
gray, and restoring it would take minutes. And each scan of a progressive file passes over the whole
image again, however little it says.
"""

from collections.abc import Iterator
import re
from typing import NamedTuple

from deblock.records.jpeg import sampling

# Encoders write about 10; with jpegtran a file can have hundreds.
MOST_SCANS = 100
# Blocks that all scans together may pass over: 10 times those of the largest image in 4:4:4, about
# 7 s of decoding if the scans say nothing.
MOST_VISITS = 2**26
# Of all kinds. Profiles and metadata are cut into pieces of 64 kB, scans have some tables each.
MOST_SEGMENTS = 2**16
_SOI, _EOI, _SOS = 0xD8, 0xD9, 0xDA
# Huffman tables, quantisation tables, the restart interval and scans.
_TABLES_AND_SCANS = (0xC4, 0xDB, 0xDD, _SOS)
# The largest number of a quantisation table, and the largest sampling factor.
_MOST_TABLE, _MOST_FACTOR = 3, 4
# Frames with Huffman coding: each block takes a bit at least.
_HUFFMAN = (0xC0, 0xC1, 0xC2)
_FRAMES = (*_HUFFMAN, 0xC9, 0xCA)
# The other kinds of frames, which decoders of photographs do not know.
_UNSUPPORTED = {
  0xC3: "is a lossless JPEG",
  **dict.fromkeys((0xC5, 0xC6, 0xC7, 0xCD, 0xCE, 0xCF), "is a hierarchical JPEG"),
  0xCB: "is a lossless JPEG",
}
_METADATA = (*range(0xE0, 0xF0), 0xFE)
# Those of them that say which colours the components are, JFIF's and Adobe's, at their least size.
_COLOURS, _SHORTEST = {0xE0: b"JFIF\0", 0xEE: b"Adobe"}, 14
# 0xFF begins a marker unless 0xFF or 0 follows, the latter in entropy-coded data. Nothing belongs
# to restart markers and to those below 0xC0: TEM, and reserved ones, which libjpeg skips inside of
# scans and refuses elsewhere.
_NEXT = re.compile(rb"\xff[^\x00-\xbf\xd0-\xd7\xff]")


def problem(data: bytes) -> str:
  """Returns why a JPEG file is implausible, as a clause; "" if it is plausible.

  Args:
    data: bytes of the file; bytes behind the JPEG's end are ignored.
  """
  scans, blocks = 0, 0
  if has_too_many_segments(data):
    return f"has over {MOST_SEGMENTS} segments"
  for marker, start in _markers(data):
    if marker in (_SOI, _EOI):
      continue
    length = int.from_bytes(data[start : start + 2], "big")
    if length < 2:
      return f"is damaged: its segment FF{marker:02X} has a length of {length}, less than 2"
    if marker in _HUFFMAN:
      blocks = max(blocks, _blocks(data[start + 2 : start + length]))
    scans += marker == _SOS
  if scans > MOST_SCANS:
    return f"has {scans} scans, more than {MOST_SCANS}"
  if (visits := work(data).visits) > MOST_VISITS:
    return f"has {scans} scans that pass over {visits} blocks in all, more than {MOST_VISITS}"
  # Headers and restart markers count as data here, so no complete file is refused.
  if blocks > 8 * len(data):
    return f"is damaged: {len(data)} bytes cannot hold its {blocks} blocks"
  return ""


def has_too_many_segments(data: bytes) -> bool:
  """Returns whether a JPEG file has so many segments that reading its header takes long."""
  return sum(1 for _ in _markers(data)) >= MOST_SEGMENTS


class Work(NamedTuple):
  """What decoding the coefficients of a file passes over.

  Attributes:
    blocks: of the image, of all components.
    visits: the same, counted again in each scan that they are in.
  """

  blocks: int
  visits: int


def work(data: bytes) -> Work:
  """Returns the blocks that the scans of a JPEG file pass over.

  Args:
    data: bytes of the file; bytes behind the JPEG's end are ignored.
  """
  components: list[tuple[int, int]] = []
  visits = 0
  for marker, payload in _segments(data):
    if marker in _FRAMES:
      components = _components(payload)
    elif marker == _SOS and payload:
      # Where names are not unique, libjpeg invents others.
      most = max((count for _, count in components), default=0)
      named = dict(components) if len(dict(components)) == len(components) else {}
      visits += sum(named.get(name, most) for name in payload[1 : 1 + 2 * payload[0] : 2])
  return Work(sum(blocks for _, blocks in components), visits)


def is_regular(data: bytes) -> bool:
  """Returns whether the segments of a JPEG file are those that every encoder writes.

  It then has one frame, of one or three components, whose names differ and whose numbers are in
  range; tables and scans; and no segment that ends behind the file.

  Args:
    data: bytes of the file, without metadata, see `bare`.
  """
  frames = 0
  for marker, start in _markers(data):
    length = int.from_bytes(data[start : start + 2], "big")
    payload = data[start + 2 : start + length]
    if marker in _FRAMES:
      frames += 1
      if len(payload) < 6 or payload[5] not in (1, 3) or len(payload) != 6 + 3 * payload[5]:
        return False
      if len(set(payload[6::3])) != payload[5] or max(payload[8::3]) > _MOST_TABLE:
        return False
      factors = [factor for both in payload[7::3] for factor in (both >> 4, both & 15)]
      if not all(1 <= factor <= _MOST_FACTOR for factor in factors):
        return False
    elif marker not in (_EOI, *_TABLES_AND_SCANS, *_COLOURS):
      return False
    if marker != _EOI and (length < 2 or start + length > len(data)):
      return False
  return frames == 1


def unsupported(data: bytes) -> str:
  """Returns which valid but unreadable kind of JPEG a file is, as a clause; "" if none."""
  for marker, payload in _segments(data):
    if marker in _UNSUPPORTED:
      return f"{_UNSUPPORTED[marker]}, which is not supported"
    if marker in _FRAMES and len(payload) >= 5:
      if payload[0] != 8:
        return f"is a JPEG of {payload[0]} bits a sample; only 8 are supported"
      if payload[1:3] == b"\0\0":
        return "is a JPEG whose height stands behind the image (DNL), which is not supported"
      return ""
  return ""


def end(data: bytes) -> int:
  """Returns how many bytes a JPEG takes, up to its end marker; -1 if it has none."""
  for marker, start in _markers(data):
    if marker == _EOI:
      return start
  return -1


def contents(data: bytes, marker: int, name: bytes) -> list[bytes]:
  """Returns what the segments of a marker hold behind a name, such as all parts of the EXIF."""
  return [
    bytes(payload[len(name) :])
    for found, payload in _segments(data)
    if found == marker and payload[: len(name)] == name
  ]


def bare(data: bytes) -> bytes:
  """Returns a JPEG with what decoding it takes, and nothing else: no metadata, nothing behind.

  Args:
    data: bytes of a file.
  """
  return b"".join((*(data[start:end] for start, end in _bare(data)), bytes((0xFF, _EOI))))


def size_of_bare(data: bytes) -> int:
  """Returns how many bytes `bare` would return, without making them."""
  return sum(end - start for start, end in _bare(data)) + 2


def _bare(data):
  """Yields where each part that decoding takes begins and ends, except for the end marker."""
  places = [(2, 2, _SOI)]
  for marker, start in _markers(data):
    places.append((start - 2, start, marker))
  ends = [place for place, _, _ in places[1:]] + [len(data)]
  yield 0, 2
  for (place, start, marker), end in zip(places[1:], ends[1:], strict=True):
    length = int.from_bytes(data[start : start + 2], "big")
    colours = _COLOURS.get(marker)
    if colours and data[start + 2 : start + 2 + len(colours)] == colours and length >= _SHORTEST:
      yield place, min(start + length, len(data))
    elif marker not in _METADATA and marker != _EOI:
      yield place, end


def has_all_scans(data: bytes) -> bool:
  """Returns whether scans begin for all of the image: each component, each coefficient, each bit.

  Args:
    data: bytes of a file, which may lack its end.
  """
  # By component and coefficient, the lowest bit that a scan has brought.
  bits: dict[int, list[int | None]] = {}
  for marker, payload in _segments(data):
    if marker in _FRAMES:
      bits = {name: [None] * 64 for name in payload[6::3]}
    elif marker == _SOS and payload:
      count = payload[0]
      if len(payload) < 4 + 2 * count:
        return False
      first, last, shifts = payload[1 + 2 * count : 4 + 2 * count]
      for name in payload[1 : 1 + 2 * count : 2]:
        if name in bits:
          bits[name][first : last + 1] = [shifts & 15] * len(bits[name][first : last + 1])
  return bool(bits) and all(bit == 0 for component in bits.values() for bit in component)


def _markers(data) -> Iterator[tuple[int, int]]:
  """Yields each marker and where what follows it begins, up to the first end of an image.

  As in libjpeg, any other bytes between segments are skipped, and 0xFF may be repeated. Ends behind
  MOST_SEGMENTS, and `problem` refuses the file.
  """
  place = 2
  for _ in range(MOST_SEGMENTS):
    if not (found := _NEXT.search(data, place)):
      return
    marker, start = data[found.start() + 1], found.end()
    yield marker, start
    if marker == _EOI:
      return
    place = start + _length(data, marker, start)


def _segments(data) -> Iterator[tuple[int, memoryview]]:
  """Yields each marker and the content of its segment, up to the end of the image."""
  view = memoryview(data)
  for marker, start in _markers(data):
    if marker != _EOI:
      yield marker, view[start + 2 : start + _length(view, marker, start)]


def _length(data, marker, start):
  """Returns how many bytes belong to a marker, those of the length itself included."""
  return 0 if marker == _SOI else int.from_bytes(data[start : start + 2], "big")


def _blocks(frame) -> int:
  """Returns the number of blocks of all components that a frame's header declares."""
  return sum(blocks for _, blocks in _components(frame))


def _components(frame) -> list[tuple[int, int]]:
  """Returns the name of each component that a frame's header declares, and its number of blocks."""
  height, width = (int.from_bytes(frame[start : start + 2], "big") for start in (1, 3))
  # Each component has three bytes: its name, its factors and its table.
  factors = [(both >> 4, both & 15) for both in frame[7::3]]
  if not all(across and down for across, down in factors):
    return []
  most_across = max((across for across, _ in factors), default=1)
  most_down = max((down for _, down in factors), default=1)
  # Pixels of one block of the plane that is sampled least.
  columns, rows = sampling.BLOCK * most_across, sampling.BLOCK * most_down
  return [
    (name, -(-width * across // columns) * -(-height * down // rows))
    for name, (across, down) in zip(frame[6::3], factors, strict=False)
  ]
