import dataclasses
import json

import numpy as np
import pytest

from deblock.launch.restoring import network_file
from deblock.model import pretrained_files
from deblock.model.networks import config as model_config

onnx = pytest.importorskip("onnx")
_PATH = pretrained_files.network_path("fast")
_TABLES = np.arange(1, 129, dtype=np.float32).reshape(1, 2, 8, 8)


def _changed(tmp_path, change):
  """Writes the pretrained file with another description."""
  model = onnx.load(_PATH)
  (stored,) = model.metadata_props
  said = json.loads(stored.value)
  change(said)
  stored.value = json.dumps(said)
  path = tmp_path / "changed.onnx"
  onnx.save(model, path)
  return path


def test_a_network_says_how_it_is_run_and_what_it_is():
  file = network_file.read(_PATH)
  expected = model_config.Traits(
    name="deblocknet_fast", context=40, keeps_size=True, conditioned=True
  )
  assert file.traits == expected
  assert file.facts["name"] == "fast" and file.facts["format"] == 1
  assert file.facts["consumed"] == 0


def test_tables_become_constants_and_nothing_else_changes():
  content = _PATH.read_bytes()
  model = onnx.load_from_string(content)
  folded = onnx.load_from_string(network_file.with_tables(content, _TABLES))
  onnx.checker.check_model(folded)
  assert [given.name for given in folded.graph.input] == ["compressed"]
  constant = folded.graph.initializer[-1]
  assert constant.name == "tables"
  np.testing.assert_array_equal(onnx.numpy_helper.to_array(constant), _TABLES)
  del folded.graph.initializer[-1]
  folded.graph.input.append(next(one for one in model.graph.input if one.name == "tables"))
  assert folded == model


def test_every_changed_byte_of_the_graph_is_found(tmp_path):
  content = bytearray(_PATH.read_bytes())
  path = tmp_path / "damaged.onnx"
  for place in np.random.default_rng(0).integers(200, len(content) - 2000, 8):
    content[place] ^= 16
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"damaged\.onnx is (damaged|not a network that)"):
      network_file.read(path)
    content[place] ^= 16
  path.write_bytes(content)
  network_file.read(path)


@pytest.mark.parametrize("length", [0, 1, 100, 500_000])
def test_a_file_that_ends_early_is_no_network(tmp_path, length):
  path = tmp_path / "short.onnx"
  path.write_bytes(_PATH.read_bytes()[:length])
  with pytest.raises(ValueError, match=r"short\.onnx is not a network that deblock-export wrote"):
    network_file.read(path)


@pytest.mark.parametrize("content", [b"hello", b"\xff" * 40, b"\x89PNG\r\n\x1a\n" * 9, b"\x08\x07"])
def test_other_files_are_no_networks(tmp_path, content):
  path = tmp_path / "other.onnx"
  path.write_bytes(content)
  with pytest.raises(ValueError, match=r"other\.onnx is not a network that deblock-export wrote"):
    network_file.read(path)


def test_onnx_files_of_others_are_refused(tmp_path):
  model = onnx.load(_PATH)
  del model.metadata_props[:]
  path = tmp_path / "theirs.onnx"
  onnx.save(model, path)
  with pytest.raises(ValueError, match=r"theirs\.onnx is not a network that deblock-export wrote"):
    network_file.read(path)


def test_a_newer_format_asks_for_a_newer_version(tmp_path):
  path = _changed(tmp_path, lambda said: said.update(format=2))
  with pytest.raises(ValueError, match="has format 2, this version of deblock reads up to 1: pip"):
    network_file.read(path)


@pytest.mark.parametrize(
  ("name", "value", "message"),
  [
    ("context", 10**9, "context must be a multiple of 8 up to 512, got 1000000000"),
    ("context", 12, "context must be a multiple of 8 up to 512, got 12"),
    ("context", "8", 'context must be a whole number, got "8"'),
    ("keeps_size", 1, "keeps_size must be true or false, got 1"),
    ("border", "wrap", "border must be mirror or zeros, got 'wrap'"),
    ("depth", 3, 'its network has the unknown key "depth"'),
  ],
)
def test_traits_that_cannot_be_are_refused(tmp_path, name, value, message):
  path = _changed(tmp_path, lambda said: said["network"].update({name: value}))
  with pytest.raises(ValueError, match=message):
    network_file.read(path)


def test_large_and_missing_files_are_named_unread(tmp_path, monkeypatch):
  with pytest.raises(FileNotFoundError, match=r"model .*none\.onnx does not exist"):
    network_file.read(tmp_path / "none.onnx")
  with pytest.raises(FileNotFoundError, match="is not a file"):
    network_file.read(tmp_path)
  monkeypatch.setattr(network_file, "MOST_BYTES", 2**19)
  with pytest.raises(ValueError, match="is too large: 1 MiB, at most 0 are read"):
    network_file.read(_PATH)


def test_a_description_holds_all_traits():
  traits = model_config.Traits(name="mine", context=8, border="mirror", blockwise=True)
  said = json.loads(network_file.description(traits, {"step": 3}, b"graph"))
  assert said["network"] == dataclasses.asdict(traits)
  assert said["consumed"] == 8 and said["step"] == 3
