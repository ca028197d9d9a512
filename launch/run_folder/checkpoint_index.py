"""Checks a checkpoint's index before TensorFlow reads it.

TensorFlow ends the process on an index with a negative size or too many of them, and allocates what
it lists, however little the data hold. An index is a table of LevelDB
(https://github.com/google/leveldb/blob/main/doc/table_format.md) from a variable's name to a
BundleEntryProto (tensorflow/core/protobuf/tensor_bundle.proto).
"""

from collections.abc import Iterator
import math
import pathlib

from deblock.records import json_text, regular_file, wire

_MOST_BYTES = 2**26  # An index takes about 100 bytes for each variable.
_MOST_TEXT_BYTES = 2**24  # Settings, and TensorFlow's graph of objects.
_MOST_RANK = 8
_MOST_FILES = 1000  # Of data: one for each machine that saves.
_FOOTER_BYTES, _TRAILER_BYTES = 48, 5
_MAGIC = 0xDB4775248B80FB57.to_bytes(8, "little")
# Numbers of fields: of BundleHeaderProto, BundleEntryProto, TensorShapeProto and its dimensions.
_FILES = 1
_TYPE, _SHAPE, _SHARD, _OFFSET, _SIZE, _SLICES = 1, 2, 3, 4, 5, 7
_DIMENSION, _UNKNOWN_RANK, _SIDE = 2, 3, 1
# Bytes of a value by its DataType: float, double, int32, uint8, int16, int8, int64, bool, bfloat16,
# uint16, half, uint32 and uint64.
_WIDTHS = {1: 4, 2: 8, 3: 4, 4: 1, 5: 2, 6: 1, 9: 8, 10: 1, 14: 2, 17: 2, 19: 2, 22: 4, 23: 8}
_TEXT = 7


def check(path: str) -> None:
  """Checks that every value that a checkpoint lists lies within its data.

  Args:
    path: of the checkpoint, without ".index".
  Raises:
    ValueError: if the index or the data are missing, damaged, or hold what no run saves.
  """
  try:
    sizes: list[int] = []
    for name, entry in entries(regular_file.read(f"{path}.index", _MOST_BYTES)):
      if not name:  # The first is the header.
        sizes = _sizes_of_data(path, entry)
      else:
        _check_entry(json_text.quoted(name.decode("utf-8", "replace")), entry, sizes)
  except OSError as error:
    raise ValueError(f"{path} is damaged: its index: {error.strerror or error}.") from error
  except (ValueError, IndexError) as error:
    raise ValueError(f"{path} is damaged: {str(error).rstrip('.')}.") from error


def _sizes_of_data(path, header):
  count = sum(wire.numbers(header, _FILES))
  if not 1 <= count <= _MOST_FILES:
    raise ValueError(f"its index lists {count} files of data")
  paths = [pathlib.Path(f"{path}.data-{index:05d}-of-{count:05d}") for index in range(count)]
  return [file.stat().st_size if file.is_file() else 0 for file in paths]


def _check_entry(name, entry, files):
  kinds, sizes = wire.numbers(entry, _TYPE), wire.numbers(entry, _SIZE)
  offsets, shards = wire.numbers(entry, _OFFSET), wire.numbers(entry, _SHARD)
  shapes = [body for number, body, _ in wire.fields(entry) if number == _SHAPE]
  slices = any(number == _SLICES for number, _, _ in wire.fields(entry))
  several = any(len(found) > 1 for found in (sizes, offsets, shards, shapes))
  if len(kinds) != 1 or several or slices:
    raise ValueError(f"its index describes {name} in pieces")
  shape = _shape(shapes[0] if shapes else b"", name)
  size, offset = sum(sizes), sum(offsets)
  if kinds[0] == _TEXT:
    if shape or not 0 <= size <= _MOST_TEXT_BYTES:
      raise ValueError(f"its text {name} has the shape {shape} and {size} bytes")
  elif size != math.prod(shape) * _WIDTHS.get(kinds[0], -1):
    raise ValueError(f"its index gives {name} type {kinds[0]}, shape {shape} and {size} bytes")
  available = files[sum(shards)] if 0 <= sum(shards) < len(files) else 0
  if offset < 0 or offset + size > available:
    raise ValueError(f"its index has {name} at {offset} to {offset + size} of {available} bytes")


def _shape(message, name):
  shape = []
  for number, body, _ in wire.fields(message):
    if number == _UNKNOWN_RANK:
      raise ValueError(f"its index gives {name} no shape")
    if number == _DIMENSION:
      sides = wire.numbers(body, _SIDE)
      shape.append(sides[0] if sides else 0)
  if len(shape) > _MOST_RANK or any(not 0 <= side < 2**31 for side in shape):
    raise ValueError(f"its index gives {name} the shape {json_text.quoted(shape)}")
  return shape


def entries(table: bytes) -> Iterator[tuple[bytes, bytes]]:
  """Yields each name of a table and what stands for it."""
  if table[-8:] != _MAGIC or len(table) < _FOOTER_BYTES:
    raise ValueError("its index is no table, or is cut off")
  footer = table[-_FOOTER_BYTES:]
  _, place = wire.varint(footer, 0)
  _, place = wire.varint(footer, place)
  ends = 0
  for _, handle in _pairs(_block(table, footer[place:])):
    # Blocks that are listed twice would be read for ever.
    start, _ = wire.varint(handle, 0)
    if start < ends:
      raise ValueError("the blocks of its index overlap")
    block = _block(table, handle)
    ends = start + len(block)
    yield from _pairs(block)


def _block(table, handle):
  start, place = wire.varint(handle, 0)
  size, _ = wire.varint(handle, place)
  end = start + size
  if end + _TRAILER_BYTES > len(table) or size < 4:
    raise ValueError("a block of its index ends beyond it")
  if table[end]:
    raise ValueError("its index is compressed")
  return table[start:end]


def _pairs(block):
  restarts = int.from_bytes(block[-4:], "little")
  end = len(block) - 4 - 4 * restarts
  if end < 0:
    raise ValueError("a block of its index is damaged")
  place, key = 0, b""
  while place < end:
    shared, place = wire.varint(block, place)
    added, place = wire.varint(block, place)
    size, place = wire.varint(block, place)
    if shared > len(key) or place + added + size > end:
      raise ValueError("a block of its index is damaged")
    key = key[:shared] + block[place : place + added]
    place += added
    yield key, block[place : place + size]
    place += size
