"""What reading the tags of a TIFF file or an EXIF block would take, before a library reads them.

A file of 2 MB can have 65535 tags that all claim the same megabyte, and a library copies each. Tags
of numbers become objects of Python, of 8 to 36 bytes a number.
"""

import struct

from PIL import Image

# Of all tags: the offsets of an image of 134 megapixels in tiles of 16x16 are half of these.
MOST_NUMBERS = 2**20
# Bytes that tags may claim beyond twice the file's.
_SLACK = 2**20
_EXIF_MARK = b"Exif\0\0"
# Directories that a library reads with the first: of EXIF, GPS and interoperability.
_POINTERS = (0x8769, 0x8825, 0xA005)
# By type. Those of 1, 2 and 7 stay bytes; the others become numbers.
_UNIT_BYTES = {
  **{1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8}
}
_BYTES = (1, 2, 7)
_MOST_DIRECTORIES = 8
_RAW = "Raw profile type exif"  # EXIF as older programs write it into PNG files.


def problem(data: bytes) -> str:
  """Returns why tags should not be read, as a clause; "" if they may be, or if these are no tags.

  Args:
    data: of a TIFF or BigTIFF file, or of an EXIF block with or without its mark.
  """
  claimed, numbers = _sums(data)
  if claimed > 2 * len(data) + _SLACK:
    return f"is damaged: its tags claim {claimed} bytes of {len(data)}"
  if numbers > MOST_NUMBERS:
    return f"is damaged: its tags hold {numbers} numbers, more than {MOST_NUMBERS}"
  return ""


def claimed_bytes(data: bytes) -> int:
  """Returns how many bytes all tags claim; 0 if these are no tags."""
  return _sums(data)[0]


def _sums(data):
  """Returns how many bytes all tags claim, and how many numbers they hold."""
  base = len(_EXIF_MARK) if data.startswith(_EXIF_MARK) else 0
  order = {b"II": "<", b"MM": ">"}.get(bytes(data[base : base + 2]))
  claimed = numbers = 0
  if order is None:
    return claimed, numbers
  big = data[base + 2 : base + 4] in (b"+\0", b"\0+")
  try:
    (first,) = struct.unpack_from(f"{order}Q" if big else f"{order}L", data, base + 4 + 4 * big)
    waiting, visited = [first], set[int]()
    while waiting:
      place = waiting.pop()
      if place in visited or len(visited) == _MOST_DIRECTORIES:
        continue
      visited.add(place)
      for tag, kind, count, value in _entries(data, base + place, order, big):
        size_bytes = count * _UNIT_BYTES.get(kind, 0)
        if size_bytes > (8 if big else 4) and base + value + size_bytes > len(data):
          # The library stops here.
          break
        if tag in _POINTERS:
          waiting.append(value)
        claimed += size_bytes
        numbers += count if kind in _UNIT_BYTES and kind not in _BYTES else 0
  except struct.error:
    # It is cut; the library says so, having read no more than this.
    pass
  return claimed, numbers


def problem_of(picture: Image.Image) -> str:
  """Returns the `problem` of the EXIF of an image that Pillow has loaded."""
  exif = picture.info.get("exif")
  if exif is None and _RAW in picture.info:
    try:
      exif = bytes.fromhex("".join(str(picture.info[_RAW]).split("\n")[3:]))
    except ValueError:
      return ""
  return problem(exif) if isinstance(exif, bytes) else ""


def _entries(data, place, order, big):
  """Yields (tag, type, count, value or offset) of the entries of a directory, up to a cut."""
  entry = f"{order}HHQQ" if big else f"{order}HHLL"
  (count,) = struct.unpack_from(f"{order}Q" if big else f"{order}H", data, place)
  first, step = place + (8 if big else 2), struct.calcsize(entry)
  for start in range(first, first + min(count, 2**16) * step, step):
    yield struct.unpack_from(entry, data, start)
