"""The wire format of protocol buffers, of which ONNX files are made, read without their libraries.

See https://protobuf.dev/programming-guides/encoding/.
"""

from collections.abc import Iterator

# Wire types.
_VARINT, _64_BITS, _BYTES, _32_BITS = 0, 1, 2, 5


def fields(message: bytes | memoryview) -> Iterator[tuple[int, memoryview, memoryview]]:
  """Yields each field's number, its bytes if it has a length, and the whole field.

  Both are views: weights are large.

  Raises:
    ValueError: if the message is no protocol buffer.
  """
  message = memoryview(message)
  position = 0
  while position < len(message):
    key, start = varint(message, position)
    number, kind = key >> 3, key & 7
    if kind == _VARINT:
      _, end = varint(message, start)
    elif kind == _BYTES:
      length, start = varint(message, start)
      end = start + length
    elif kind in (_64_BITS, _32_BITS):
      end = start + (8 if kind == _64_BITS else 4)
    else:
      raise ValueError(f"field {number} has the unknown wire type {kind}.")
    if end > len(message):
      raise ValueError(f"field {number} ends beyond its message.")
    yield number, message[start : end if kind == _BYTES else start], message[position:end]
    position = end


def text(message: bytes | memoryview, number: int) -> str:
  """Returns the text of a message's field; "" if it has none.

  Raises:
    ValueError: if it is there twice, of which parsers take different ones, or is not UTF-8.
  """
  found = [body for one, body, _ in fields(message) if one == number]
  if len(found) > 1:
    raise ValueError(f"field {number} is there {len(found)} times.")
  return str(found[0], "utf-8") if found else ""


def numbers(message: bytes | memoryview, number: int) -> list[int]:
  """Returns the whole numbers of a message's field, which may be repeated or packed.

  Raises:
    ValueError: if the message is no protocol buffer.
  """
  found = []
  for one, body, whole in fields(message):
    if one == number:
      _, start = varint(whole, 0)
      packed = body if whole[0] & 7 == _BYTES else whole[start:]
      position = 0
      while position < len(packed):
        value, position = varint(packed, position)
        found.append(value - 2**64 if value >= 2**63 else value)
  return found


def number_field(number: int, value: int) -> bytes:
  """Returns a field that holds a whole number, not negative."""
  return _encoded(number << 3 | _VARINT) + _encoded(value)


def bytes_field(number: int, body: bytes | memoryview) -> bytes:
  """Returns a field that holds bytes, a text or another message."""
  return b"".join((_encoded(number << 3 | _BYTES), _encoded(len(body)), body))


def varint(message: bytes | memoryview, position: int) -> tuple[int, int]:
  """Returns the number that begins at a position, and where it ends.

  Raises:
    ValueError: if it does not end.
  """
  value = 0
  for index in range(10):
    if position + index >= len(message):
      break
    byte = message[position + index]
    value |= (byte & 127) << (7 * index)
    if byte < 128:
      return value, position + index + 1
  raise ValueError("a number does not end.")


def _encoded(value):
  groups = bytearray()
  while value > 127:
    groups.append(value & 127 | 128)
    value >>= 7
  return bytes((*groups, value))
