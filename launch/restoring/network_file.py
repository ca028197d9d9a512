"""An exported network: an ONNX file with a description, read without the ONNX library.

`deblock-export` writes such files, with inputs `compressed`, float32 [N, H, W, 3] in [0, 1], and,
if the network takes them, `tables`, float32 [N, 2, 8, 8]; the output is `restored`. The description
is JSON under the key `deblock` of the file's metadata. ONNX files are protocol buffers
(https://protobuf.dev/programming-guides/encoding/). Only their outermost fields are read here.
"""

from collections.abc import Iterator
import dataclasses
import hashlib
import json
import os
import pathlib
from typing import Any, NamedTuple

import numpy as np

from deblock.model.networks import config as model_config

FORMAT = 1
KEY = "deblock"
COMPRESSED, TABLES, RESTORED = "compressed", "tables", "restored"
MOST_BYTES = 256 * 2**20
_MOST_CONTEXT = 512
# Numbers of fields in onnx.proto: of ModelProto, GraphProto, ValueInfoProto, StringStringEntryProto
# and TensorProto.
_GRAPH, _METADATA = 7, 14
_INITIALIZER, _INPUT = 5, 11
_NAME = 1
_KEY, _VALUE = 1, 2
_DIMENSIONS, _DATA_TYPE, _TENSOR_NAME, _RAW_DATA = 1, 2, 8, 9
_FLOAT = 1
# Wire types of protocol buffers.
_VARINT, _64_BITS, _BYTES, _32_BITS = 0, 1, 2, 5


class NetworkFile(NamedTuple):
  """An exported network.

  Attributes:
    path: of the file.
    content: its bytes.
    traits: how the network is run over images.
    facts: what else the description says, such as the run's settings.
  """

  path: str
  content: bytes
  traits: model_config.Traits
  facts: dict[str, Any]


def description(traits: model_config.Traits, facts: dict[str, Any], graph: bytes) -> str:
  """Returns the description of a network, JSON.

  Args:
    traits: how the network is run over images.
    facts: what else to say, values that JSON can hold.
    graph: the serialised GraphProto.
  """
  said = {
    "format": FORMAT,
    "network": dataclasses.asdict(traits),
    "consumed": traits.consumed,
    "graph_sha256": hashlib.sha256(graph).hexdigest(),
    **facts,
  }
  return json.dumps(said, sort_keys=True)


def read(path: str | os.PathLike) -> NetworkFile:
  """Returns an exported network after checking its format, description and checksum.

  Raises:
    FileNotFoundError: if there is no such file.
    OSError: if it cannot be read.
    ValueError: if it is too large, no network of deblock, of a newer format, or damaged.
  """
  name = os.fspath(path)
  file = pathlib.Path(name)
  if not file.is_file():
    raise FileNotFoundError(f"model {name} does not exist, or is not a file.")
  if file.stat().st_size > MOST_BYTES:
    raise ValueError(
      f"model {name} is too large: {file.stat().st_size / 2**20:.0f} MiB, at most "
      f"{MOST_BYTES // 2**20} are read."
    )
  content = file.read_bytes()
  said = _description(content, name)
  if said["format"] > FORMAT:
    raise ValueError(
      f"model {name} has format {said['format']}, this version of deblock reads up to {FORMAT}: "
      "pip install --upgrade deblock."
    )
  graph = next(body for number, body, _ in _fields(content) if number == _GRAPH)
  if hashlib.sha256(graph).hexdigest() != said.pop("graph_sha256", None):
    raise ValueError(f"model {name} is damaged or was changed: its checksum does not match.")
  return NetworkFile(name, content, _traits(said.pop("network"), name), said)


def with_tables(content: bytes, tables: np.ndarray) -> bytes:
  """Returns a network's file with its input `tables` replaced by constant ones.

  ONNX Runtime then computes everything that depends on the tables alone once, and multiplies the
  scales and shifts that it finds into the kernels of the convolutions before them.

  Args:
    content: of the file.
    tables: float32 [1, 2, 8, 8].
  """
  return b"".join(
    _field(_GRAPH, _constant_tables(body, tables)) if number == _GRAPH else whole
    for number, body, whole in _fields(content)
  )


def _constant_tables(graph, tables):
  kept = [
    whole
    for number, body, whole in _fields(graph)
    if number != _INPUT or _text(body, _NAME) != TABLES
  ]
  shape = b"".join(_number(_DIMENSIONS, side) for side in tables.shape)
  values = _field(_RAW_DATA, np.ascontiguousarray(tables, "<f4").tobytes())
  tensor = shape + _number(_DATA_TYPE, _FLOAT) + _field(_TENSOR_NAME, TABLES.encode()) + values
  return b"".join((*kept, _field(_INITIALIZER, tensor)))


def _description(content, name):
  """Returns what a file says of its network; "format" and "network" are there."""
  try:
    fields = list(_fields(content))
    if not any(number == _GRAPH for number, _, _ in fields):
      raise ValueError("no graph")
    text = next(
      _text(body, _VALUE)
      for number, body, _ in fields
      if number == _METADATA and _text(body, _KEY) == KEY
    )
    said = json.loads(text)
    if not isinstance(said["format"], int) or not isinstance(said["network"], dict):
      raise ValueError("no format or network")
  except (StopIteration, ValueError, KeyError, TypeError, IndexError) as error:
    raise ValueError(
      f"model {name} is not a network that deblock-export wrote, or is damaged."
    ) from error
  return said


def _traits(said, name):
  """Returns the traits that a description holds, with values that a restorer can trust."""
  try:
    traits = model_config.Traits(**said)
  except TypeError as error:
    raise ValueError(f"model {name} does not say how its network is run: {error}.") from error
  for field in dataclasses.fields(traits):
    value = getattr(traits, field.name)
    if type(value) is not field.type:
      expected = getattr(field.type, "__name__", field.type)
      raise ValueError(f"model {name}: {field.name} must be {expected}, got {value!r}.")
  if not 0 <= traits.context <= _MOST_CONTEXT or traits.context % 8:
    raise ValueError(
      f"model {name}: context must be a multiple of 8 up to {_MOST_CONTEXT}, got {traits.context}."
    )
  if traits.border not in ("mirror", "zeros"):
    raise ValueError(f"model {name}: border must be mirror or zeros, got {traits.border!r}.")
  return traits


def _fields(message: bytes | memoryview) -> Iterator[tuple[int, memoryview, memoryview]]:
  """Yields each field's number, its bytes if it has a length, and the whole field.

  Both are views: kernels are large.

  Raises:
    ValueError: if the message is no protocol buffer.
  """
  message = memoryview(message)
  position = 0
  while position < len(message):
    key, start = _varint(message, position)
    number, kind = key >> 3, key & 7
    if kind == _VARINT:
      _, end = _varint(message, start)
    elif kind == _BYTES:
      length, start = _varint(message, start)
      end = start + length
    elif kind in (_64_BITS, _32_BITS):
      end = start + (8 if kind == _64_BITS else 4)
    else:
      raise ValueError(f"field {number} has the unknown wire type {kind}.")
    if end > len(message):
      raise ValueError(f"field {number} ends beyond its message.")
    yield number, message[start : end if kind == _BYTES else start], message[position:end]
    position = end


def _text(message, number):
  """Returns the text of a message's field; "" if it has none."""
  found = (body for one, body, _ in _fields(message) if one == number)
  return str(next(found, b""), "utf-8")


def _varint(message, position):
  """Returns the number that begins at a position, and where it ends."""
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


def _number(number, value):
  return _encoded(number << 3 | _VARINT) + _encoded(value)


def _field(number, body):
  return _encoded(number << 3 | _BYTES) + _encoded(len(body)) + body
