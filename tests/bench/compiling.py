"""The time of a training step with and without XLA, in turns: CPU-seconds and wall seconds.

make bench PART=training-xla MODELS='NETWORK:WIDTH ...'

Prints lines of `name: figure`. A network's width of 0 is its own.
"""

import argparse
import resource
import statistics
import time

import keras
import numpy as np
import tensorflow as tf

from deblock.launch.training import optimization, step
from deblock.model import losses
from deblock.model.networks import registry
from deblock.pipeline import batch
from deblock.records.jpeg import tables as jpeg_tables

BATCH, CROP = 16, 96
NETWORKS = ("blockcnn:16", "deblocknet_fast:0", "dncnn3:0")


def batches():
  """Returns one random batch again and again."""
  random = np.random.default_rng(0)
  clean = random.uniform(0.2, 0.8, (BATCH, CROP, CROP, 3)).astype(np.float32)
  compressed = clean + random.normal(0, 0.02, clean.shape).astype(np.float32)
  tables = np.broadcast_to(jpeg_tables.quantization_tables(40), (BATCH, 2, 8, 8))
  made = batch.Batch(compressed, clean, np.full(BATCH, 40, np.int32), tables.astype(np.float32))
  return tf.data.Dataset.from_tensors(made).cache().repeat()


def compiled(name, width, dtype, jit_compile):
  """Returns a function that takes a number of steps."""
  keras.utils.set_random_seed(0)
  entry = registry.get(name)
  device = "/gpu:0" if tf.config.list_logical_devices("GPU") else "/cpu:0"
  strategy = tf.distribute.OneDeviceStrategy(device)
  with strategy.scope():
    with optimization.precision_of_layers(dtype):
      network = entry.build(width, True)
    optimizer = keras.optimizers.Adam(1e-4)
    optimizer.build(network.trainable_variables)
  rules = optimization.UpdateRules(jit_compile=jit_compile)
  steps = step.training_steps(strategy, network, optimizer, losses.l1, entry, BATCH, rules)
  iterator = iter(batches())
  return lambda count: float(steps(iterator, tf.constant(count, tf.int32)).loss)


def timed(take, count):
  """Returns CPU-seconds and wall seconds a step."""
  usage, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
  take(count)
  seconds = time.perf_counter() - began
  after = resource.getrusage(resource.RUSAGE_SELF)
  cpu = after.ru_utime + after.ru_stime - usage.ru_utime - usage.ru_stime
  return cpu / count, seconds / count


def main():
  """Prints the figures of each network."""
  parser = argparse.ArgumentParser()
  parser.add_argument("networks", nargs="*", default=NETWORKS)
  parser.add_argument("--precision", default="float32")
  parser.add_argument("--rounds", type=int, default=3)
  parser.add_argument("--steps", type=int, default=2)
  options = parser.parse_args()
  for spelt in options.networks:
    name, _, width = spelt.partition(":")
    found, losses_found = {False: [], True: []}, {}
    takes = {}
    for jit_compile in found:
      takes[jit_compile] = compiled(name, int(width or 0), options.precision, jit_compile)
      began = time.perf_counter()
      losses_found[jit_compile] = takes[jit_compile](1)
      label = f"{name} {options.precision} {'with' if jit_compile else 'without'} XLA"
      print(f"{label}, first step: {time.perf_counter() - began:.1f} s", flush=True)
    for _ in range(options.rounds):
      for jit_compile, take in takes.items():
        found[jit_compile].append(timed(take, options.steps))
    medians = {}
    for jit_compile, rows in found.items():
      cpu, wall = (statistics.median(column) for column in zip(*rows, strict=True))
      medians[jit_compile] = cpu, wall
      label = f"{name} {options.precision} {'with' if jit_compile else 'without'} XLA"
      print(f"{label}: {cpu:.3f} CPU-s and {wall:.3f} s a step")
    ratios = [a / b for a, b in zip(medians[False], medians[True], strict=True)]
    print(
      f"{name} {options.precision}, speed with XLA: {ratios[0]:.2f} by CPU, {ratios[1]:.2f} by wall"
    )
    print(f"{name} {options.precision}, first losses: {losses_found}", flush=True)


if __name__ == "__main__":
  main()
