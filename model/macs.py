"""The multiply-accumulates of a network."""

import math

import tensorflow as tf

from deblock.model import tiling
from deblock.model.networks import registry
from deblock.records.jpeg import sampling as jpeg_sampling


def per_pixel(network, entry: registry.Entry) -> float:
  """Returns the multiply-accumulates for each pixel that a network restores.

  Counted on one tile of `restorer.Restorer`: a network that does not keep the size computes the
  context of a tile again for its neighbours, a blockwise one for each block.

  Args:
    network: keras.Model built by `entry`.
    entry: of the registry.
  Raises:
    ValueError: as in `count`.
  """
  tile = tiling.usual_tile(entry)
  side = tile + 2 * entry.consumed
  compressed = tf.TensorSpec((1, side, side, 3), tf.float32)
  tables = tf.TensorSpec((1, 2, jpeg_sampling.BLOCK, jpeg_sampling.BLOCK), tf.float32)
  return count(network, entry.inputs(compressed, tables)) / tile**2


def count(network, inputs) -> int:
  """Returns the multiply-accumulates of convolutions and matrix products in one call.

  Counts operations of the graph, since Keras does not list the layers inside layers.

  Args:
    network: keras.Model.
    inputs: tf.TensorSpec, or a list of them, with known shapes.
  Raises:
    ValueError: for an unknown shape, or an operation whose work is unknown.
  """
  call = tf.function(lambda given: network(given, training=False))
  graph = call.get_concrete_function(inputs).graph
  return sum(_of_operation(operation) for operation in graph.get_operations())


def _of_operation(operation):
  calls = any(value.HasField("func") for value in operation.node_def.attr.values())
  if calls or operation.type == "Einsum":
    # Keras wraps convolutions of several groups in a function.
    raise ValueError(
      f"{operation.name} is {operation.type}, whose multiply-accumulates are not known."
    )
  if operation.type == "Conv2D":  # Its kernel is [height, width, channels of a group, filters].
    return _size(operation.outputs[0].shape) * _size(operation.inputs[1].shape[:3])
  if operation.type == "Conv2DBackpropInput":  # Transposed: [height, width, filters, channels].
    return _size(operation.inputs[2].shape) * _size(operation.inputs[1].shape[:3])
  if operation.type == "DepthwiseConv2dNative":
    return _size(operation.outputs[0].shape) * _size(operation.inputs[1].shape[:2])
  if operation.type in ("MatMul", "BatchMatMulV2"):
    turned = operation.get_attr("transpose_a" if operation.type == "MatMul" else "adj_x")
    return _size(operation.outputs[0].shape) * operation.inputs[0].shape[-2 if turned else -1]
  return 0


def _size(shape):
  if not shape.is_fully_defined():
    raise ValueError(f"multiply-accumulates need known shapes, got {shape}.")
  return math.prod(shape)
