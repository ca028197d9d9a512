"""What an exported network's graph may hold, checked before ONNX Runtime sees it.

A graph is a program. One with loops, subgraphs or operators of unknown libraries can run for ever
or do anything; one whose weights lie in other files reads any file of the user's; one whose
constants are larger than the file takes all memory. The networks of deblock need none of that.
"""

import math

from deblock.records import json_text, wire

# Versions of ONNX's operators; deblock-export writes 17.
_LEAST_OPSET, _MOST_OPSET = 13, 26
_MOST_NODES = 20_000
_DOMAINS = ("", "ai.onnx")
# Numbers of fields in onnx.proto: of ModelProto, GraphProto, NodeProto, AttributeProto,
# TensorProto, OperatorSetIdProto and ValueInfoProto.
_OPSETS, _GRAPH, _TRAINING, _FUNCTIONS = 8, 7, 20, 25
_NODE, _INITIALIZER, _INPUT, _OUTPUT, _SPARSE = 1, 5, 11, 12, 15
_OPERATOR, _ATTRIBUTE, _NODE_DOMAIN = 4, 5, 7
_TENSOR, _NO_VALUES = 5, (6, 11, 14, 15, 21, 22, 23)
_ATTRIBUTE_NAME, _TENSORS = 1, 10
_SHAPE, _TYPE, _TENSOR_NAME, _RAW, _EXTERNAL, _LOCATION = 1, 2, 8, 9, 13, 14
_SET_DOMAIN, _SET_VERSION = 1, 2
_VALUE_NAME = 1
# Bytes of a number of each type of tensor: float, uint8, int8, uint16, int16, int32, int64, bool,
# float16, double, uint32, uint64 and bfloat16. Texts and complex numbers are no weights.
_WIDTHS = {1: 4, 2: 1, 3: 1, 4: 2, 5: 2, 6: 4, 7: 8, 9: 1, 10: 2, 11: 8, 12: 4, 13: 8, 16: 2}
# Operators that compute an image from an image: no loops, no files, no randomness.
_NAMES = """
  Abs Acos Add And ArgMax ArgMin Asin Atan AveragePool BatchNormalization BitShift Cast CastLike
  Ceil Celu Clip Concat Constant ConstantOfShape Conv ConvInteger ConvTranspose Cos CumSum
  DepthToSpace DequantizeLinear Div DynamicQuantizeLinear Einsum Elu Equal Erf Exp Expand Flatten
  Floor Gather GatherElements GatherND Gelu Gemm GlobalAveragePool GlobalMaxPool Greater
  GreaterOrEqual GroupNormalization HardSigmoid HardSwish Identity InstanceNormalization IsInf
  IsNaN LRN LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax LpNormalization MatMul
  MatMulInteger Max MaxPool Mean MeanVarianceNormalization Min Mish Mod Mul Neg Not Or PRelu Pad
  Pow QLinearConv QLinearMatMul QuantizeLinear Range Reciprocal ReduceL1 ReduceL2 ReduceLogSum
  ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu Reshape
  Resize Round ScatterElements ScatterND Selu Shape Sigmoid Sign Sin Size Slice Softmax Softplus
  Softsign SpaceToDepth Split Sqrt Squeeze Sub Sum Tan Tanh ThresholdedRelu Tile TopK Transpose
  Trilu Unsqueeze Where Xor
"""
OPERATORS = frozenset(_NAMES.split())


def check(content: bytes, inputs: tuple[str, ...], output: str) -> None:
  """Checks that a network is plain arithmetic on its inputs, with its weights in its own file.

  Args:
    content: of an ONNX file.
    inputs: names of the network's inputs.
    output: name of its output.
  Raises:
    ValueError: if it is anything else; a clause that says what it has.
  """
  graphs = []
  for number, body, _ in wire.fields(content):
    if number == _OPSETS:
      _check_opset(body)
    elif number == _GRAPH:
      graphs.append(body)
    elif number in (_TRAINING, _FUNCTIONS):
      raise ValueError("it has functions of its own or a training graph")
  if len(graphs) != 1:
    raise ValueError(f"it has {len(graphs)} graphs, not one")
  _check_graph(graphs[0], inputs, output)


def _check_opset(body):
  domain, versions = wire.text(body, _SET_DOMAIN), wire.numbers(body, _SET_VERSION)
  # tf2onnx declares ai.onnx.ml and does not use it.
  if domain in _DOMAINS and not (len(versions) == 1 and _LEAST_OPSET <= versions[0] <= _MOST_OPSET):
    raise ValueError(
      f"its operators are of version {', '.join(map(str, versions)) or 'none'}, those of versions "
      f"{_LEAST_OPSET} to {_MOST_OPSET} are known"
    )


def _check_graph(graph, inputs, output):
  found: dict[int, list[str]] = {_INPUT: [], _OUTPUT: []}
  nodes = 0
  for number, body, _ in wire.fields(graph):
    if number == _NODE:
      nodes += 1
      _check_node(body)
    elif number == _INITIALIZER:
      _check_tensor(body, wire.text(body, _TENSOR_NAME))
    elif number in found:
      found[number].append(wire.text(body, _VALUE_NAME))
    elif number == _SPARSE:
      raise ValueError("it has sparse weights")
  if nodes > _MOST_NODES:
    raise ValueError(f"it has {nodes} operators, {_MOST_NODES} at most are run")
  for number, names in ((_INPUT, sorted(inputs)), (_OUTPUT, [output])):
    if sorted(found[number]) != names:
      kind = "inputs" if number == _INPUT else "outputs"
      raise ValueError(f"its {kind} are {json_text.quoted(found[number])}, not {', '.join(names)}")


def _check_node(body):
  operator, domain = wire.text(body, _OPERATOR), wire.text(body, _NODE_DOMAIN)
  if domain not in _DOMAINS or operator not in OPERATORS:
    whose = f" of {json_text.quoted(domain)}" if domain else ""
    raise ValueError(f"it has the operator {json_text.quoted(operator)}{whose}, which is not run")
  for number, attribute, _ in wire.fields(body):
    if number == _ATTRIBUTE:
      name = wire.text(attribute, _ATTRIBUTE_NAME)
      kinds = [one for one, _, _ in wire.fields(attribute)]
      # Of a value that is there twice, a parser makes one of both.
      if any(kind in _NO_VALUES for kind in kinds) or kinds.count(_TENSOR) > 1:
        raise ValueError(
          f"its operator {operator} has a subgraph, or no number, in {json_text.quoted(name)}"
        )
      for one, tensor, _ in wire.fields(attribute):
        if one in (_TENSOR, _TENSORS):
          _check_tensor(tensor, name)


def _check_tensor(body, name):
  counts = dict.fromkeys((_TYPE, _RAW, _LOCATION), 0)
  raw = None
  for number, value, _ in wire.fields(body):
    if number == _EXTERNAL or (number == _LOCATION and any(wire.numbers(body, _LOCATION))):
      raise ValueError(f"its weights {json_text.quoted(name)} lie in another file")
    if number in counts:
      counts[number] += 1
    if number == _RAW:
      raw = value
  kinds, shape = wire.numbers(body, _TYPE), wire.numbers(body, _SHAPE)
  width = _WIDTHS.get(kinds[0]) if len(kinds) == 1 else None
  if max(counts.values()) > 1 or width is None:
    raise ValueError(f"its weights {json_text.quoted(name)} are no numbers")
  # Numbers that are not raw take a byte each at least.
  held = len(body) if raw is None else len(raw) // width
  size = math.prod(shape) if all(side >= 0 for side in shape) else -1
  if size < 0 or size > held or (raw is not None and size * width != len(raw)):
    raise ValueError(
      f"its weights {json_text.quoted(name)} of shape {json_text.quoted(shape)} hold {held} values"
    )
