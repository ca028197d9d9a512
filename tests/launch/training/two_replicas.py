"""Trains on one device and on two logical ones, and prints how far apart they end, as JSON.

python two_replicas.py RECORDS FOLDER
"""

import json
import pathlib
import sys

import keras
import numpy as np
import tensorflow as tf

from deblock.launch.machines import feeding, hosts, strategy
from deblock.launch.run_folder import checkpoints
from deblock.launch.settings import optimization as optimization_settings
from deblock.launch.settings import train as train_settings
from deblock.launch.training import loop, optimization, step
from deblock.model import losses
from deblock.model.networks import registry
from deblock.pipeline import batch

BATCH, CROP, CONTEXT, STEPS = 4, 24, 8, 20
LEARNING = {"clip_norm": 0.5, "accumulate_steps": 2, "ema_decay": 0.99}


def network(width=4, residual=True):
  """Returns two convolutions without batch normalisation, whose statistics are per replica."""
  del residual
  compressed = keras.Input((None, None, 3))
  features = keras.layers.Conv2D(width, 9, activation="relu")(compressed)
  return keras.Model(compressed, keras.layers.Conv2D(3, 9)(features))


def train_on(strategy_name):
  """Returns the weights before and after steps on given batches, their averages, and totals."""
  random = np.random.default_rng(0)
  shape = (STEPS * BATCH, CROP, CROP, 3)
  clean = random.uniform(0.2, 0.8, shape).astype(np.float32)
  compressed = clean + random.normal(0, 0.05, shape).astype(np.float32)
  tables = np.ones((STEPS * BATCH, 2, 8, 8), np.float32)
  data = batch.Batch(compressed, clean, np.full(STEPS * BATCH, 25, np.int32), tables)
  made = strategy.create(strategy_name)
  keras.utils.set_random_seed(0)
  with made.scope():
    model = network()
    settings = optimization_settings.OptimizationConfig(learning_rate=0.01, **LEARNING)
    optimizer = optimization.create(settings, model.trainable_variables)
    rules = optimization.rules(settings, model, optimizer, jit_compile=False)
  before = [variable.numpy() for variable in model.trainable_variables]
  entry = registry.get("plain")
  steps = step.training_steps(made, model, optimizer, losses.l2, entry, BATCH, rules)

  def of_a_replica(context):
    return tf.data.Dataset.from_tensor_slices(data).batch(context.get_per_replica_batch_size(BATCH))

  iterator = feeding.batches(hosts.Hosts(made), of_a_replica)
  totals = steps(iterator, tf.constant(STEPS, tf.int32))
  after = [variable.numpy() for variable in model.trainable_variables]
  averages = [average.numpy() for average in rules.averages]
  return before, after, averages, [float(value) for value in totals]


def train_from_records(records, logdir, max_steps):
  """Trains with the whole loop on every logical device; returns state and last step."""
  result = loop.train(
    train_settings.run_of(
      {
        "model": "plain",
        "width": 4,
        "records": records,
        "batch_size": BATCH,
        "crops_per_tile": 4,
        "mixed_tiles": 4,
        "logdir": logdir,
        "max_steps": max_steps,
        "schedule": "constant",
        "strategy": "mirrored",
        "steps_per_call": 1,
        "log_every_steps": 2,
        "checkpoint_every_steps": 2,
        "evaluate_every_steps": 4,
        "evaluation_tiles": 1,
        "jit_compile": "false",
        **LEARNING,
      }
    )
  )
  reader = tf.train.load_checkpoint(result.checkpoint)
  state = {
    name: reader.get_tensor(name)
    for name in reader.get_variable_to_shape_map()
    if name.split("/")[0] in ("weights", "averages", "optimizer", "step")
  }
  assert {name.split("/")[0] for name in state} == {"weights", "averages", "optimizer", "step"}
  return state, result.step


def farthest(some, others):
  """Returns the largest difference between two lists of arrays."""
  return max(float(np.abs(a - b).max()) for a, b in zip(some, others, strict=True))


def main(records, folder):
  """Prints the figures."""
  cpu = tf.config.list_physical_devices("CPU")[0]
  tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
  registry.register(
    registry.Entry(
      name="plain", description="for tests", build=network, context=CONTEXT, border="mirror"
    )
  )
  before, one, one_averages, one_totals = train_on("cpu")
  _, two, two_averages, two_totals = train_on("mirrored")
  whole, _ = train_from_records(records, str(folder), 4)
  # Back to what the folder was when half of the steps were taken.
  saved = folder / checkpoints.FOLDER
  tf.compat.v1.train.update_checkpoint_state(str(saved), str(saved / "ckpt-2"))
  resumed, resumed_step = train_from_records(records, str(folder), 4)
  figures = {
    "replicas": strategy.create("mirrored").num_replicas_in_sync,
    "moved": farthest(before, one),
    "difference": farthest(one, two),
    "averages_difference": farthest(one_averages, two_averages),
    "averages_behind": farthest(one, one_averages),
    "totals": [one_totals, two_totals],
    "resumed_step": resumed_step,
    "resumed_difference": farthest(whole.values(), [resumed[name] for name in whole]),
  }
  print(json.dumps(figures))


if __name__ == "__main__":
  main(sys.argv[1], pathlib.Path(sys.argv[2]))
