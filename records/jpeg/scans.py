"""Whether a JPEG file can hold the image that its header promises, told without decoding it.

libjpeg makes up what is missing: a file of 1 kB whose header says 100 megapixels is decoded, to
gray, and would be restored for minutes. And each scan of a progressive file passes over the whole
image again, however little it says.
"""

from collections.abc import Iterator
import re

from deblock.records.jpeg import sampling

# Encoders write 10 or so; jpegtran lets one write hundreds.
MOST_SCANS = 100
_SOI, _EOI, _SOS = 0xD8, 0xD9, 0xDA
# Frames whose blocks are coded by Huffman's codes: a bit each at least.
_HUFFMAN = (0xC0, 0xC1, 0xC2)
_FRAMES = (*_HUFFMAN, 0xC9, 0xCA)
# In entropy-coded data, 0xFF stands before nought, a restart marker or itself, or it is a marker.
_NEXT = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


def problem(data: bytes) -> str:
  """Returns why a JPEG file cannot be meant, as a clause; "" if nothing speaks against it.

  Args:
    data: what the file holds; of more than a JPEG, what follows its end is passed over.
  """
  scans, blocks = 0, 0
  for marker, payload in _segments(data):
    if marker in _FRAMES:
      blocks = max(blocks, _blocks(payload) if marker in _HUFFMAN else 0)
    scans += marker == _SOS
  if scans > MOST_SCANS:
    return f"has {scans} scans, more than {MOST_SCANS}"
  # Restart markers and tables count as bits too: what is refused cannot be whole.
  if blocks > 8 * len(data):
    return f"is damaged: {len(data)} bytes cannot hold its {blocks} blocks"
  return ""


def _segments(data) -> Iterator[tuple[int, memoryview]]:
  """Yields each marker with what its segment holds, in the file's order, up to the first end."""
  view, place = memoryview(data), 2
  while found := _NEXT.search(data, place):
    marker, start = data[found.start() + 1], found.end()
    if marker == _EOI:
      return
    length = int.from_bytes(view[start : start + 2], "big") if marker != _SOI else 0
    place = start + length
    yield marker, view[start + 2 : place]


def _blocks(frame) -> int:
  """Returns the number of blocks that a frame's header promises, of all components."""
  height, width = (int.from_bytes(frame[start : start + 2], "big") for start in (1, 3))
  # Each component has a byte for its name, one for its factors and one for its table.
  factors = [(both >> 4, both & 15) for both in frame[7::3]]
  if not all(across and down for across, down in factors):
    return 0
  most_across = max((across for across, _ in factors), default=1)
  most_down = max((down for _, down in factors), default=1)
  # Pixels of one block of the plane that is sampled least.
  columns, rows = sampling.BLOCK * most_across, sampling.BLOCK * most_down
  return sum(-(-width * across // columns) * -(-height * down // rows) for across, down in factors)
