"""PNG files by their chunks: what they say of colour, and images of 16 bits a colour.

The chunks are those of the PNG Specification (Third Edition), W3C 2025.
"""

from collections.abc import Iterator
import struct
import zlib

import numpy as np

_MAGIC = b"\x89PNG\r\n\x1a\n"
_COLOUR = (b"cHRM", b"gAMA", b"cICP", b"sRGB")
# What chunks say that all viewers take for granted.
_SRGB = {
  b"sRGB": None,
  b"gAMA": struct.pack(">L", 45455),
  b"cHRM": struct.pack(">8L", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000),
  b"cICP": bytes((1, 13, 0, 1)),
}
_COLOUR_TYPE, _ALPHA_TYPE = 2, 4
_ROWS = 64  # That are filtered at a time; bounds the memory.


def colour(data: bytes) -> tuple[tuple[bytes, bytes], ...]:
  """Returns the chunks of a PNG file that say what its numbers mean, as (name, content)."""
  found = []
  for name, content in chunks(data):
    if name == b"IDAT":
      break
    if name in _COLOUR:
      found.append((name, content))
  return tuple(found)


def is_srgb(chunk: tuple[bytes, bytes]) -> bool:
  """Returns whether a chunk says no more than that colours are sRGB, as without it."""
  name, content = chunk
  return name in _SRGB and _SRGB[name] in (None, content)


def deepened(data: bytes, samples: np.ndarray, alpha: np.ndarray | None) -> bytes:
  """Returns a PNG file with another image, of 16 bits a sample.

  Args:
    data: a PNG file whose chunks are kept, but for its image.
    samples: uint16, [H, W, 3] RGB or [H, W] gray.
    alpha: uint8 [H, W], or None.
  """
  height, width = samples.shape[:2]
  kind = (_COLOUR_TYPE if samples.ndim == 3 else 0) + (_ALPHA_TYPE if alpha is not None else 0)
  header = struct.pack(">LLBBBBB", width, height, 16, kind, 0, 0, 0)
  made = [_MAGIC]
  for name, content in chunks(data):
    if name == b"IHDR":
      made.append(_chunk(name, header))
    elif name == b"IDAT":
      made += (_chunk(name, part) for part in _compressed(samples, alpha))
    else:
      made.append(_chunk(name, content))
  return b"".join(made)


def chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
  """Yields (name, content) of each chunk; ends where one is cut."""
  place = len(_MAGIC)
  while place + 12 <= len(data):
    (length,) = struct.unpack_from(">L", data, place)
    name, start = data[place + 4 : place + 8], place + 8
    place = start + length + 4
    if place > len(data):
      return
    yield name, data[start : start + length]


def _chunk(name, content):
  checksum = zlib.crc32(content, zlib.crc32(name))
  return struct.pack(">L", len(content)) + name + content + struct.pack(">L", checksum)


def _compressed(samples, alpha) -> Iterator[bytes]:
  """Yields the parts of an image's data stream."""
  # As for 8 bits: higher levels take far longer for 2 %.
  compressor = zlib.compressobj(1)
  above = None
  for top in range(0, len(samples), _ROWS):
    rows = samples[top : top + _ROWS].reshape(-1, *samples.shape[1:2], samples[0, 0].size)
    if alpha is not None:
      part = alpha[top : top + _ROWS, :, np.newaxis].astype(np.uint16) * 257
      rows = np.concatenate([rows, part], axis=2)
    step = 2 * rows.shape[2]
    rows = rows.astype(">u2").view(np.uint8).reshape(len(rows), -1)
    above = np.zeros_like(rows[0]) if above is None else above
    yield compressor.compress(_filtered(rows, above, step))
    above = rows[-1]
  yield compressor.flush()


def _filtered(rows, above, step):
  """Returns rows behind their filter types, each by the filter that leaves the least.

  Sub and Paeth are what photographs need; None, Up and Average gain under 1 % besides.
  """
  up = np.concatenate([above[None], rows[:-1]])
  left, upper_left = np.zeros_like(rows), np.zeros_like(up)
  left[:, step:], upper_left[:, step:] = rows[:, :-step], up[:, :-step]
  a, b, c = (values.astype(np.int16) for values in (left, up, upper_left))
  by_left, by_up, by_both = np.abs(b - c), np.abs(a - c), np.abs(a + b - 2 * c)
  paeth = np.where(
    (by_left <= by_up) & (by_left <= by_both), left, np.where(by_up <= by_both, up, upper_left)
  )
  made = np.stack([rows - left, rows - paeth])
  sums = np.abs(made.view(np.int8).astype(np.int16)).sum(axis=2, dtype=np.int64)
  best = sums.argmin(axis=0)
  types = np.array((1, 4), np.uint8)[best]
  return np.concatenate([types[:, None], made[best, np.arange(len(rows))]], axis=1).tobytes()
