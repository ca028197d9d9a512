"""An exported network: an ONNX file with a description, read without the ONNX library.

`deblock-export` writes such files, with inputs `compressed`, float32 [N, H, W, 3] in [0, 1], and,
if the network takes them, `tables`, float32 [N, 2, 8, 8]; the output is `restored`. The description
is JSON under the key `deblock` of the file's metadata.
"""

import dataclasses
import hashlib
import json
import os
import pathlib
from typing import Any, NamedTuple

import numpy as np

from deblock.launch.restoring import network_graph
from deblock.model import pretrained_files
from deblock.model.networks import config as model_config
from deblock.records import json_text, typed_values, wire

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


class _Said(NamedTuple):
  """What a description must say; other facts may stand beside it."""

  format: typed_values.Count
  network: dict[str, Any]
  graph_sha256: str


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
  said, traits, facts = _description(content, name)
  graph = next(body for number, body, _ in wire.fields(content) if number == _GRAPH)
  if hashlib.sha256(graph).hexdigest() != said.graph_sha256:
    raise ValueError(f"model {name} is damaged or was changed: its checksum does not match.")
  # Those of the package are checked by a test: it takes as long as to load one.
  if file.parent != pretrained_files.FOLDER:
    inputs = (COMPRESSED, TABLES) if traits.conditioned else (COMPRESSED,)
    try:
      network_graph.check(content, inputs, RESTORED)
    except ValueError as error:
      raise ValueError(f"model {name} is not run: {str(error).rstrip('.')}.") from error
  return NetworkFile(name, content, traits, facts)


def with_tables(content: bytes, tables: np.ndarray) -> bytes:
  """Returns a network's file with its input `tables` replaced by constant ones.

  ONNX Runtime then computes everything that depends on the tables alone once, and multiplies the
  scales and shifts that it finds into the kernels of the convolutions before them.

  Args:
    content: of the file.
    tables: float32 [1, 2, 8, 8].
  """
  return b"".join(
    wire.bytes_field(_GRAPH, _constant_tables(body, tables)) if number == _GRAPH else whole
    for number, body, whole in wire.fields(content)
  )


def _constant_tables(graph, tables):
  kept = [
    whole
    for number, body, whole in wire.fields(graph)
    if number != _INPUT or wire.text(body, _NAME) != TABLES
  ]
  shape = b"".join(wire.number_field(_DIMENSIONS, side) for side in tables.shape)
  values = wire.bytes_field(_RAW_DATA, np.ascontiguousarray(tables, "<f4").tobytes())
  tensor = (
    shape
    + wire.number_field(_DATA_TYPE, _FLOAT)
    + wire.bytes_field(_TENSOR_NAME, TABLES.encode())
    + values
  )
  return b"".join((*kept, wire.bytes_field(_INITIALIZER, tensor)))


def _description(content, name):
  """Returns what a file says of its network: what it must say, its traits, and other facts."""
  try:
    fields = list(wire.fields(content))
    if not any(number == _GRAPH for number, _, _ in fields):
      raise ValueError("no graph")
    text = next(
      wire.text(body, _VALUE)
      for number, body, _ in fields
      if number == _METADATA and wire.text(body, _KEY) == KEY
    )
  except (StopIteration, ValueError) as error:
    raise ValueError(
      f"model {name} is not a network that deblock-export wrote, or is damaged."
    ) from error
  where = f"model {name}: its description"
  facts = typed_values.build(dict[str, Any], json_text.parse(text, where), where)
  keys = _Said._fields
  said = typed_values.build(_Said, {key: facts[key] for key in keys if key in facts}, where)
  if said.format > FORMAT:
    raise ValueError(
      f"model {name} has format {said.format}, this version of deblock reads up to {FORMAT}: "
      "pip install --upgrade deblock."
    )
  traits = typed_values.build(model_config.Traits, said.network, f"model {name}: its network")
  if not 0 <= traits.context <= _MOST_CONTEXT or traits.context % 8:
    raise ValueError(
      f"model {name}: context must be a multiple of 8 up to {_MOST_CONTEXT}, got {traits.context}."
    )
  if traits.border not in ("mirror", "zeros"):
    raise ValueError(f"model {name}: border must be mirror or zeros, got {traits.border!r}.")
  del facts["network"], facts["graph_sha256"]
  return said, traits, facts
