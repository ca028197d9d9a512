"""The cost of two logical replicas against one device, for the same global batch and cores.

make bench PART=training-replicas MODELS='NETWORK ...'

All sides are compiled in one process and take turns, a few steps a round; figures are medians of
the rounds. `two` is --strategy=mirrored with two logical CPUs; `ring` is the same with TensorFlow's
default, collective ops in a ring.
"""

import statistics
import subprocess
import sys
import time

import keras
import tensorflow as tf

from deblock.launch.machines import feeding, hosts, strategy
from deblock.launch.training import step
from deblock.model import losses
from deblock.model.networks import registry
from deblock.pipeline import batch

BATCH, CROP, ROUNDS, STEPS = 16, 96, 9, 2
NETWORKS = ("deblocknet", "l8")


def _side(made, entry):
  """Returns the function that takes a number of steps."""
  keras.utils.set_random_seed(0)
  with made.scope():
    network = entry.build(0, True)
    optimizer = keras.optimizers.Adam(1e-3)
    optimizer.build(network.trainable_variables)

  def same_crops(context):
    count = context.get_per_replica_batch_size(BATCH)
    shape = (count, CROP, CROP, 3)
    crops = batch.Batch(
      tf.random.stateless_uniform(shape, (0, 0)),
      tf.random.stateless_uniform(shape, (0, 1)),
      tf.fill([count], 50),
      tf.ones((count, 2, 8, 8)),
    )
    return tf.data.Dataset.from_tensors(crops).repeat()

  batches = feeding.batches(hosts.Hosts(made), same_crops)
  steps = step.training_steps(made, network, optimizer, losses.get("l1"), entry, BATCH)
  return lambda: float(steps(batches, tf.constant(STEPS, tf.int32)).loss)


def _measured(name):
  entry = registry.get(name)
  cpus = [device.name for device in tf.config.list_logical_devices("CPU")]
  sides = {
    "one": _side(strategy.create("cpu"), entry),
    "two": _side(strategy.create("mirrored"), entry),
    "ring": _side(tf.distribute.MirroredStrategy(cpus), entry),
  }
  walls: dict[str, list[float]] = {side: [] for side in sides}
  works: dict[str, list[float]] = {side: [] for side in sides}
  for round_number in range(ROUNDS + 1):
    for side, take in sides.items():
      wall, work = time.perf_counter(), time.process_time()
      take()
      if round_number:  # The first one compiles.
        walls[side].append((time.perf_counter() - wall) / STEPS)
        works[side].append((time.process_time() - work) / STEPS)
  for side in sides:
    print(f"{name} {side} wall ms a step: {1e3 * statistics.median(walls[side]):.1f}")
    print(f"{name} {side} CPU ms a step: {1e3 * statistics.median(works[side]):.1f}")
  for side in ("two", "ring"):
    for kind, figures in (("wall", walls), ("CPU", works)):
      ratios = [two / one for two, one in zip(figures[side], figures["one"], strict=True)]
      print(f"{name} cost of {side}, {kind} %: {100 * (statistics.median(ratios) - 1):+.1f}")


def main(names):
  """Prints the figures of each network, in a process of its own: collectives share their keys."""
  if len(names) != 1:
    for name in names or NETWORKS:
      subprocess.run([sys.executable, __file__, name], check=True)
    return
  cpu = tf.config.list_physical_devices("CPU")[0]
  tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
  _measured(*names)


if __name__ == "__main__":
  main(sys.argv[1:])
