"""ONNX files that somebody made to do harm are refused before ONNX Runtime sees them."""

import hashlib
import json

import numpy as np
import pytest

from deblock.launch.restoring import network, network_file, network_graph
from deblock.model import pretrained_files

onnx = pytest.importorskip("onnx")
helper = onnx.helper if onnx else None
_FLOAT = onnx.TensorProto.FLOAT
_FAST = pretrained_files.network_path("fast")


def _write(path, model, change=lambda said: None):
  """Writes a model with a description that fits it, as an attacker would."""
  (stored,) = model.metadata_props
  said = json.loads(stored.value)
  graph = model.graph.SerializeToString(deterministic=True)
  said["graph_sha256"] = hashlib.sha256(graph).hexdigest()
  change(said)
  stored.value = json.dumps(said)
  path.write_bytes(model.SerializeToString(deterministic=True))
  return path


def _external(model):
  weights = model.graph.initializer[0]
  weights.ClearField("raw_data")
  weights.data_location = onnx.TensorProto.EXTERNAL
  weights.external_data.add(key="location", value="../../etc/passwd")


def _huge(model):
  model.graph.initializer[0].dims[:] = [2**40, 2**20]


def _negative(model):
  model.graph.initializer[0].dims[:] = [-1, -1]


def _in_pieces(model):
  """Weights whose type is given twice: parsers take the last."""
  piece = onnx.TensorProto(data_type=onnx.TensorProto.STRING)
  extra = onnx.TensorProto.FromString(
    model.graph.initializer[0].SerializeToString() + piece.SerializeToString()
  )
  model.graph.initializer[0].CopyFrom(extra)


def _loop(model):
  body = helper.make_graph([], "body", [], [])
  model.graph.node.add(op_type="Loop", output=["x"]).attribute.append(
    helper.make_attribute("body", body)
  )


def _hidden_subgraph(model):
  body = helper.make_graph([], "body", [], [])
  model.graph.node[0].attribute.append(helper.make_attribute("body", body))


def _custom(model):
  model.graph.node[0].domain = "com.example"


def _unknown(model):
  model.graph.node[0].op_type = "Evil\n\x1b[2J"


def _function(model):
  model.functions.append(helper.make_function("f", "f", [], [], [], [helper.make_opsetid("", 17)]))


def _opset(model):
  model.opset_import[0].version = 99


def _no_opset(model):
  model.opset_import[0].ClearField("version")


def _sparse(model):
  model.graph.sparse_initializer.add()


def _other_input(model):
  model.graph.input.append(helper.make_tensor_value_info("more", _FLOAT, [1]))


def _other_output(model):
  model.graph.output[0].name = "elsewhere"


def _external_constant(model):
  tensor = onnx.TensorProto(name="c", data_type=_FLOAT, dims=[1])
  tensor.external_data.add(key="location", value="/dev/zero")
  model.graph.node.add(op_type="Constant", output=["c"]).attribute.append(
    helper.make_attribute("value", tensor)
  )


@pytest.mark.parametrize(
  ("change", "message"),
  [
    (_external, "weights .* lie in another file"),
    (_external_constant, 'weights "value" lie in another file'),
    (_huge, r"of shape \[1099511627776, 1048576\] hold \d+ values"),
    (_negative, r"of shape \[-1, -1\] hold"),
    (_in_pieces, "are no numbers"),
    (_loop, 'has the operator "Loop", which is not run'),
    (_hidden_subgraph, 'has a subgraph, or no number, in "body"'),
    (_custom, r'has the operator ".*" of "com\.example", which is not run'),
    (_unknown, r'has the operator "Evil\\n\\u001b\[2J", which is not run'),
    (_function, "functions of its own"),
    (_opset, "operators are of version 99, those of versions 13 to 26 are known"),
    (_no_opset, "operators are of version none"),
    (_sparse, "has sparse weights"),
    (_other_input, r'inputs are \["compressed", "tables", "more"\], not compressed, tables'),
    (_other_output, r'outputs are \["elsewhere"\], not restored'),
  ],
)
def test_a_hostile_graph_is_refused_by_name(tmp_path, monkeypatch, change, message):
  model = onnx.load(_FAST)
  change(model)
  path = _write(tmp_path / "hostile.onnx", model)
  monkeypatch.setattr(network, "_Runner", None)  # No session is made.
  with pytest.raises(ValueError, match=rf"model .*hostile\.onnx is not run: .*{message}"):
    network.load(str(path))


def test_two_graphs_in_one_file_are_refused(tmp_path):
  """A parser makes one graph of both, so that checking the first alone says nothing."""
  content = _FAST.read_bytes()
  extra = onnx.ModelProto(graph=helper.make_graph([], "more", [], []))
  path = tmp_path / "two.onnx"
  path.write_bytes(content + extra.SerializeToString())
  with pytest.raises(ValueError, match="it has 2 graphs, not one"):
    network_file.read(path)


@pytest.mark.parametrize(
  ("change", "message"),
  [
    (lambda said: said.update(format="1"), 'description: format must be a whole number .*got "1"'),
    (lambda said: said.update(format=-1), "format must be a whole number from 0 to"),
    (lambda said: said.update(network=[1]), "description: network must be an object"),
    (lambda said: said.update(graph_sha256=7), "graph_sha256 must be a text, got 7"),
    (lambda said: said.pop("graph_sha256"), "description has no graph_sha256"),
    (lambda said: said.update(step=float("inf")), "a number that is not finite, Infinity"),
    (lambda said: said.update(x=json.loads("[" * 50 + "]" * 50)), "nested deeper than 16"),
    (lambda said: said["network"].update(name=5), "network: name must be a text, got 5"),
  ],
)
def test_a_description_of_nonsense_is_named(tmp_path, change, message):
  path = _write(tmp_path / "nonsense.onnx", onnx.load(_FAST), change)
  with pytest.raises(ValueError, match=rf"model .*nonsense\.onnx.*{message}"):
    network_file.read(path)


def test_files_of_ours_pass():
  for name in pretrained_files.names():
    content = pretrained_files.network_path(name).read_bytes()
    network_graph.check(content, ("compressed", "tables"), "restored")
    folded = network_file.with_tables(content, np.ones((1, 2, 8, 8), np.float32))
    network_graph.check(folded, ("compressed",), "restored")
