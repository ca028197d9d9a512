"""Checkpoints that somebody made to do harm: on some of these, TensorFlow ends the process."""

import pathlib
import struct

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import tensor_bundle_pb2

from deblock.launch.run_folder import checkpoint_index, checkpoints, saved_weights

_NAME = b"weights/0/.ATTRIBUTES/VARIABLE_VALUE"


@pytest.fixture
def path(tmp_path):
  """The path of a checkpoint of one variable of 64 bytes."""
  weights = [tf.Variable(np.ones((4, 4), np.float32))]
  return tf.train.Checkpoint(weights=weights, notes=_Text()).write(str(tmp_path / "ckpt-1"))


class _Text(tf.train.experimental.PythonState):
  def serialize(self):
    return "{}"

  def deserialize(self, string_value):
    del string_value


def _varint(value):
  groups = bytearray()
  while value > 127:
    groups.append(value & 127 | 128)
    value >>= 7
  return bytes((*groups, value))


def _table(pairs):
  """Returns a table of one block; checksums, which are looked at later, are zeros."""

  def block(pairs):
    body, starts = b"", []
    for key, value in pairs:
      starts.append(len(body))
      body += _varint(0) + _varint(len(key)) + _varint(len(value)) + key + value
    return body + struct.pack(f"<{len(starts) + 1}I", *starts, len(starts))

  first = block(pairs)
  second = block([(b"~", _varint(0) + _varint(len(first)))])
  handle = _varint(len(first) + 5) + _varint(len(second))
  footer = _varint(0) + _varint(0) + handle
  magic = 0xDB4775248B80FB57.to_bytes(8, "little")
  return first + bytes(5) + second + bytes(5) + footer.ljust(40, b"\0") + magic


def _rewrite(path, change, name=_NAME):
  """Changes the entry of a variable."""
  index = pathlib.Path(f"{path}.index")
  pairs = []
  for key, value in checkpoint_index.entries(index.read_bytes()):
    if key == name:
      entry = tensor_bundle_pb2.BundleEntryProto.FromString(value)
      change(entry)
      value = entry.SerializeToString()
    pairs.append((key, value))
  index.write_bytes(_table(pairs))


def _shape(*sides, **values):
  def change(entry):
    del entry.shape.dim[:]
    for side in sides:
      entry.shape.dim.add(size=side)
    for name, value in values.items():
      setattr(entry, name, value)

  return change


@pytest.mark.parametrize(
  ("change", "message"),
  [
    (_shape(-1, 4), r"the shape \[-1, 4\]"),
    (_shape(2**40, 2**40), r"the shape \[1099511627776, 1099511627776\]"),
    (_shape(*300 * [1]), r"the shape \[1, 1, 1"),
    (_shape(10**6, 4 * 10**5), r"shape \[1000000, 400000\] and 64 bytes"),
    (_shape(10**6, 4 * 10**5, size=16 * 10**11), r"at \d+ to 16000\d+ of \d+ bytes"),
    (_shape(10**9, dtype=7), r"its text .* has the shape \[1000000000\]"),
    (_shape(4, 4, dtype=77), r"type 77"),
    (_shape(4, 4, offset=2**50), r"at 1125899906842624 to"),
    (_shape(4, 4, offset=-64), r"at -64 to 0"),
    (_shape(4, 4, size=-5), r"and -5 bytes"),
    (_shape(4, 4, shard_id=99), r"of 0 bytes"),
  ],
)
def test_a_value_that_the_data_do_not_hold_is_named(path, monkeypatch, change, message):
  checkpoint_index.check(path)
  _rewrite(path, change)
  # TensorFlow never sees it.
  monkeypatch.setattr(tf.train, "list_variables", None)
  monkeypatch.setattr(tf.train, "load_checkpoint", None)
  weights = [tf.Variable(np.zeros((4, 4), np.float32))]
  for load in (
    lambda: checkpoint_index.check(path),
    lambda: saved_weights.arrays(path),
    lambda: checkpoints.load(path, {"weights": weights}, {"weights": weights}),
  ):
    with pytest.raises(ValueError, match=f"{path} is damaged: .*{message}"):
      load()


def test_changed_and_cut_indices_are_refused_or_whole(path):
  index = pathlib.Path(f"{path}.index")
  good = index.read_bytes()
  for length in range(len(good)):
    index.write_bytes(good[:length])
    with pytest.raises(ValueError, match=f"{path} is damaged: "):
      checkpoint_index.check(path)
  random = np.random.default_rng(0)
  for _ in range(2000):
    data = bytearray(good)
    for place in random.integers(0, len(good), random.integers(1, 4)):
      data[place] = random.integers(256)
    index.write_bytes(data)
    try:
      checkpoint_index.check(path)
    except ValueError as error:
      assert str(error).startswith(f"{path} is damaged: ")


def test_a_missing_file_is_named(path):
  pathlib.Path(f"{path}.data-00000-of-00001").unlink()
  with pytest.raises(ValueError, match=f"{path} is damaged: its index has .* of 0 bytes"):
    checkpoint_index.check(path)
  pathlib.Path(f"{path}.index").unlink()
  with pytest.raises(ValueError, match=f"{path} is damaged: its index: No such file"):
    checkpoint_index.check(path)
