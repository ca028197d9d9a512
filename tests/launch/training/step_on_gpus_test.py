"""Steps on a GPU, as far as they are known without one: TensorFlow's build lists its kernels."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework import kernels

from deblock.launch.settings import optimization as optimization_settings
from deblock.launch.training import optimization, step
from deblock.model import losses
from deblock.model.networks import blocks, registry
from deblock.pipeline import batch

pytestmark = pytest.mark.skipif(
  not tf.sysconfig.get_build_info()["is_cuda_build"], reason="this TensorFlow is built without CUDA"
)
BATCH, CROP = 2, 64


def _fits(kernel, node):
  """Returns whether a kernel computes a node on a GPU."""
  if kernel.device_type not in ("GPU", "DEFAULT"):
    return False
  for constraint in kernel.constraint:
    given = node.attr[constraint.name]
    types = [given.type] if given.type else list(given.list.type)
    if not set(types) <= set(constraint.allowed_values.list.type):
      return False
  return True


def _without_kernel(traced):
  """Returns the names of the operations of a traced function that no GPU computes, with types."""
  graph = traced.graph.as_graph_def()
  functions = {function.signature.name for function in graph.library.function}
  nodes = itertools.chain(graph.node, *(function.node_def for function in graph.library.function))
  distinct = {
    (
      node.op,
      *(f"{name}={value.type}" for name, value in sorted(node.attr.items()) if value.type),
    ): (node)
    for node in nodes
  }
  return sorted(
    name
    for name, node in distinct.items()
    if node.op not in functions
    and not any(
      _fits(kernel, node) for kernel in kernels.get_registered_kernels_for_op(node.op).kernel
    )
  )


def _crops():
  images = np.zeros((BATCH, CROP, CROP, 3), np.uint8)
  quality, tables = np.full((BATCH,), 25, np.int32), np.ones((BATCH, 2, 8, 8), np.float32)
  return tf.data.Dataset.from_tensors(batch.Batch(images, images, quality, tables)).repeat()


def _traced_step(name, precision, loss, optimizer):
  strategy = tf.distribute.OneDeviceStrategy("/cpu:0")
  settings = optimization_settings.OptimizationConfig(
    precision=precision,
    loss=loss,
    optimizer=optimizer,
    ema_decay=0.99,
    clip_norm=1.0,
    weight_decay=0.0 if optimizer == "adam" else 0.01,
  )
  entry = registry.get(name)
  with strategy.scope():
    with optimization.precision_of_layers(precision):
      network = entry.build(8, True)
    made = optimization.create(settings, network.trainable_variables)
    rules = optimization.rules(settings, network, made, False)
  steps = step.training_steps(strategy, network, made, losses.get(loss), entry, BATCH, rules)
  return steps.get_concrete_function(iter(_crops()), tf.constant(1, tf.int32))


def _gradients_of(name):
  """Returns a compiled function of weights and a batch to gradients, and the weights.

  The weights are arguments: TensorFlow lowers no variables for a device that is not there.
  """
  entry = registry.get(name)
  network = registry.build(registry.usual(name))
  objective, variables = entry.objective(network), network.variables

  @tf.function(jit_compile=True)
  def gradients(weights, data):
    data = batch.to_float(data)
    clean = blocks.crop_center(data.clean, entry.consumed)
    scope = keras.StatelessScope(list(zip(variables, weights, strict=True)))
    with tf.GradientTape() as tape, scope:
      tape.watch(weights)
      _, values = objective(
        entry.inputs(data.compressed, data.tables),
        data.quality,
        lambda image: losses.get(entry.loss)(image, clean, data.tables),
      )
      value = tf.reduce_mean(values)
    return tape.gradient(value, weights)

  return gradients, [tf.convert_to_tensor(variable) for variable in variables]


def test_an_operation_without_a_kernel_for_gpus_is_found():
  decode = tf.function(lambda text: tf.io.decode_jpeg(text) + 1)
  (found,) = _without_kernel(decode.get_concrete_function(tf.constant("")))
  assert found[0] == "DecodeJpeg"


def test_a_step_has_kernels_for_gpus(tiny):
  assert not _without_kernel(_traced_step(tiny, "float16", "frequency", "adamw"))


@pytest.mark.slow
@pytest.mark.parametrize("loss", losses.names())
def test_every_loss_has_kernels_for_gpus_in_every_precision(tiny, loss):
  pairs = zip(optimization_settings.PRECISIONS, optimization_settings.OPTIMIZERS, strict=True)
  for precision, optimizer in pairs:
    assert not _without_kernel(_traced_step(tiny, precision, loss, optimizer))


@pytest.mark.slow
@pytest.mark.parametrize("name", registry.names())
def test_every_network_has_kernels_for_gpus(name):
  gradients, weights = _gradients_of(name)
  assert not _without_kernel(gradients.get_concrete_function(weights, next(iter(_crops()))))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["blockcnn", "deblocknet", "deblocknet_fast"])
def test_networks_are_lowered_for_gpus(name):
  gradients, weights = _gradients_of(name)
  lowered = gradients.experimental_get_compiler_ir(weights, next(iter(_crops())))(
    stage="hlo", platform_name="GPU"
  )
  assert "convolution" in lowered
