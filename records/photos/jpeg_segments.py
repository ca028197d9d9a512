"""The segments of a JPEG file that hold metadata: found, put into another file, or taken out.

Pillow reads and writes EXIF, XMP and the colour profile. This module cares for the others:
Photoshop's resources (with IPTC), comments, extended XMP, and the pictures behind a JPEG's end
(gain maps, previews, films) with the index that leads to them (MPF, CIPA DC-007).
"""

from collections.abc import Iterator
import struct
from typing import NamedTuple

from deblock.records.jpeg import scans as jpeg_scans

_APP0, _APP1, _APP2, _APP13, _APP14, _COM, _SOS = 0xE0, 0xE1, 0xE2, 0xED, 0xEE, 0xFE, 0xDA
_APPS = range(_APP0, 0xF0)
_ALONE = (0x01, *range(0xD0, 0xD8))  # Markers without a length.
EXIF, XMP = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0"
EXTENDED_XMP = b"http://ns.adobe.com/xmp/extension/\0"
_PHOTOSHOP, _PROFILE, _MPF = b"Photoshop 3.0\0", b"ICC_PROFILE\0", b"MPF\0"
_GAIN_MAP = b"urn:iso:std:iso:ts:21496:-1\0"
# What Pillow or this module keeps, or what belongs to the encoded image.
_KNOWN = (
  *((_APP0, b"JFIF"), (_APP14, b"Adobe"), (_APP1, EXIF), (_APP1, XMP), (_APP1, EXTENDED_XMP)),
  *((_APP2, _PROFILE), (_APP2, _MPF), (_APP2, _GAIN_MAP), (_APP13, _PHOTOSHOP)),
)
_MP_ENTRY, _ENTRY_BYTES, _MP_ENTRY_BYTES = 0xB002, 12, 16


class Extras(NamedTuple):
  """What a JPEG file holds beside the metadata that Pillow reads.

  Attributes:
    photoshop: image resources, with IPTC among them.
    comments: texts for people.
    extended_xmp: payloads of segments, each with its name in front.
    gain_map: the same, of ISO 21496-1.
    mpf: payload of the MPF segment, whose offsets begin where the image ends.
    trailer: the bytes behind the image's end.
    others: names of the segments of other programs, such as "APP11".
  """

  photoshop: bytes = b""
  comments: tuple[str, ...] = ()
  extended_xmp: tuple[bytes, ...] = ()
  gain_map: tuple[bytes, ...] = ()
  mpf: bytes = b""
  trailer: bytes = b""
  others: tuple[str, ...] = ()


NO_EXTRAS = Extras()


def read(data: bytes) -> Extras:
  """Returns what a JPEG file holds beside the metadata that Pillow reads.

  Args:
    data: bytes of the file.
  """
  end = jpeg_scans.end(data)
  found: dict[str, list[bytes]] = {"photoshop": [], "extended_xmp": [], "gain_map": []}
  comments, others, mpf = [], [], b""
  for marker, start, payload in _header(data):
    if marker == _COM:
      comments.append(text(payload.rstrip(b"\0")))
    elif marker == _APP13 and payload.startswith(_PHOTOSHOP):
      found["photoshop"].append(payload[len(_PHOTOSHOP) :])
    elif marker == _APP1 and payload.startswith(EXTENDED_XMP):
      found["extended_xmp"].append(payload)
    elif marker == _APP2 and payload.startswith(_GAIN_MAP):
      found["gain_map"].append(payload)
    elif marker == _APP2 and payload.startswith(_MPF):
      mpf = _moved(payload, end - (start + len(_MPF)), 0)
    elif marker in _APPS and not any(
      marker == known and payload.startswith(name) for known, name in _KNOWN
    ):
      others.append(f"APP{marker - _APP0}")
  trailer = data[end:] if end > 0 else b""
  return Extras(
    b"".join(found["photoshop"]),
    tuple(filter(None, comments)),
    tuple(found["extended_xmp"]),
    tuple(found["gain_map"]),
    mpf,
    # Padding is no picture.
    trailer if trailer.strip(b"\0\xff\n\r ") else b"",
    tuple(dict.fromkeys(others)),
  )


def write(data: bytes, extras: Extras) -> bytes:
  """Returns a JPEG file with more metadata.

  Args:
    data: bytes of the file, which ends with its image.
    extras: to add. Comments and resources are cut into segments of their own.
  """
  place = max((start + len(payload) for _, start, payload in _header(data, apps=True)), default=2)
  segments = [
    *(_segment(_APP13, _PHOTOSHOP + part) for part in _parts(extras.photoshop, _PHOTOSHOP)),
    *(_segment(_APP1, payload) for payload in extras.extended_xmp),
    *(_segment(_APP2, payload) for payload in extras.gain_map),
    *(
      _segment(_COM, part)
      for comment in extras.comments
      for part in _parts(comment.encode("utf-8"), b"")
    ),
  ]
  added = b"".join(segments)
  if extras.mpf:
    # Its offsets count from behind its name, to behind the end of the whole file.
    base = place + len(added) + 4 + len(_MPF)
    size = len(data) + len(added) + 4 + len(extras.mpf)
    added += _segment(_APP2, _moved(extras.mpf, base - size, size))
  return data[:place] + added + data[place:] + extras.trailer


def stripped(data: bytes, orientation: int) -> bytes:
  """Returns a JPEG file without metadata, and with the same image.

  Args:
    data: bytes of the file.
    orientation: EXIF orientation, which stays unless it is 1: without it the image would be turned.
  """
  end = jpeg_scans.end(data)
  kept, place = [data[:2]], 2
  if orientation != 1:
    tags = struct.pack(">2sHLHHHLHHL", b"MM", 42, 8, 1, 0x112, 3, 1, orientation, 0, 0)
    kept.append(_segment(_APP1, EXIF + tags))
  for marker, start, payload in _header(data):
    before, place = place, start + len(payload)
    image = (marker == _APP0 and payload.startswith(b"JFIF")) or marker == _APP14
    if image:
      # JFIF comes first.
      kept.insert(1 if marker == _APP0 else len(kept), data[before:place])
    elif marker not in _APPS and marker != _COM:
      kept.append(data[before:place])
  return b"".join((*kept, data[place : end if end > 0 else len(data)]))


def text(comment: bytes) -> str:
  """Returns a comment as text: UTF-8, or Latin-1 as older programs write it."""
  try:
    return comment.decode("utf-8")
  except UnicodeDecodeError:
    return comment.decode("latin-1")


def _header(data, apps=False) -> Iterator[tuple[int, int, bytes]]:
  """Yields (marker, start, payload) of the segments before the first scan; ends where one is cut.

  Args:
    data: bytes of the file.
    apps: whether to end with the last of the APP segments that the file begins with.
  """
  place = 2
  while place + 4 <= len(data) and data[place] == 0xFF:
    marker = data[place + 1]
    if marker == 0xFF or marker in _ALONE:
      place += 1 if marker == 0xFF else 2
      continue
    if marker == _SOS or (apps and marker not in _APPS):
      return
    start, length = place + 4, int.from_bytes(data[place + 2 : place + 4], "big")
    place += 2 + length
    if length < 2 or place > len(data):
      return
    yield marker, start, data[start:place]


def _segment(marker, payload):
  return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


def _parts(data, name):
  """Returns data in pieces that fit into segments behind a name."""
  most = 65533 - len(name)
  return [data[start : start + most] for start in range(0, len(data), most)]


def _moved(payload, by, size):
  """Returns an MPF payload whose offsets are less by `by`; b"" if it is damaged.

  Args:
    payload: of the segment, with its name.
    by: number of bytes.
    size: of the first image, which its entry states.
  """
  view = bytearray(payload)
  base = len(_MPF)
  try:
    order = {b"II": "<", b"MM": ">"}[bytes(view[base : base + 2])]
    (first,) = struct.unpack_from(f"{order}L", view, base + 4)
    (count,) = struct.unpack_from(f"{order}H", view, base + first)
    for place in range(base + first + 2, base + first + 2 + count * _ENTRY_BYTES, _ENTRY_BYTES):
      tag, _, length, start = struct.unpack_from(f"{order}HHLL", view, place)
      if tag != _MP_ENTRY:
        continue
      for number, entry in enumerate(range(base + start, base + start + length, _MP_ENTRY_BYTES)):
        if number == 0:
          struct.pack_into(f"{order}L", view, entry + 4, size)
        else:
          (offset,) = struct.unpack_from(f"{order}L", view, entry + 8)
          struct.pack_into(f"{order}L", view, entry + 8, (offset - by) & 0xFFFFFFFF)
      return bytes(view)
  except (KeyError, struct.error):
    pass
  return b""
