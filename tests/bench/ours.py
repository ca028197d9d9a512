"""The work of this project that benchmarks time: restoring an image, and training steps."""

import os
import resource

import keras
import numpy as np
import tensorflow as tf

from deblock.launch.settings import optimization as optimization_settings
from deblock.launch.training import optimization, step
from deblock.model import losses, restorer
from deblock.model.networks import registry
from deblock.pipeline import batch as batch_lib

SIZE = (512, 768)  # Height and width of the Kodak images.


def environment() -> dict[str, str]:
  """Returns the variables of a process that computes as the programs do by default.

  TensorFlow reads this one when it is imported, which here comes before deblock.launch.
  """
  return {"TF_ENABLE_ONEDNN_OPTS": "1", "TF_CPP_MIN_LOG_LEVEL": "3", **os.environ}


def set_threads(count: int) -> None:
  """Makes TensorFlow use this many threads."""
  tf.config.threading.set_intra_op_parallelism_threads(count)
  tf.config.threading.set_inter_op_parallelism_threads(count)


def build(name: str, width: int = 0):
  """Returns a network of the registry whose head is not zero, and its entry."""
  keras.utils.set_random_seed(0)
  entry = registry.get(name)
  network = registry.build(registry.usual(name, width))
  for weight in network.trainable_variables:
    if not np.any(weight.numpy()):
      weight.assign(0.01 * np.random.default_rng(0).normal(size=weight.shape))
  return network, entry


def parameters(network) -> int:
  """Returns the number of trained parameters."""
  return sum(int(np.prod(weight.shape)) for weight in network.trainable_variables)


def image(height: int, width: int):
  """Returns random pixels, uint8 [H, W, 3]."""
  return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def bare(network, entry, height: int, width: int):
  """Returns a function that runs the compiled network once on a prepared image."""
  call = restorer.with_constants(network)
  compressed = tf.constant(image(height, width)[np.newaxis] / np.float32(255.0))
  tables = tf.fill((1, 2, 8, 8), 16.0)
  # Passed as arguments: of constants, XLA would fold the whole network.
  run = tf.function(lambda given, steps: call(entry.inputs(given, steps)))
  return lambda: run(compressed, tables).numpy()


def training(network, entry, size: int, side: int, steps: int = 1):
  """Returns a function that takes steps by launch/training/step.py on one prepared batch.

  Args:
    network: keras.Model.
    entry: the registry's entry.
    size: crops in the batch.
    side: side of a crop in pixels.
    steps: steps of each call.
  """
  optimizer = keras.optimizers.Adam(1e-3)
  optimizer.build(network.trainable_variables)
  crops = batch_lib.Batch(
    compressed=tf.random.uniform((size, side, side, 3), seed=1),
    clean=tf.random.uniform((size, side, side, 3), seed=2),
    quality=tf.fill((size,), 20),
    tables=tf.fill((size, 2, 8, 8), 16.0),
  )
  strategy = tf.distribute.OneDeviceStrategy("/cpu:0")
  rules = optimization.UpdateRules(
    jit_compile=optimization.is_compiled(optimization_settings.OptimizationConfig())
  )
  run = step.training_steps(strategy, network, optimizer, losses.get("l1"), entry, size, rules)
  batches = iter(tf.data.Dataset.from_tensors(crops).repeat())
  count = tf.constant(steps)
  return lambda: run(batches, count).loss.numpy()


def peak_mib() -> float:
  """Returns the most memory that this process has had, in MiB."""
  return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
