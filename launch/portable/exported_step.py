"""A network's training step, written as a StableHLO program."""

import dataclasses
import gzip
import json
import pathlib
import re
import shutil

import keras
import numpy as np
import tensorflow as tf

from deblock.launch.portable import portable_step
from deblock.launch.portable import settings as settings_lib
from deblock.model.networks import config as model_config
from deblock.model.networks import registry
from deblock.records.jpeg import tables as jpeg_tables


def export(model: model_config.ModelConfig, settings: settings_lib.StepConfig) -> None:
  """Writes the step as a program, with initial weights, tables and the runner beside it.

  Raises:
    ValueError: if the network takes no tables or has state besides its trainable weights.
  """
  if not registry.get(model.model).conditioned:
    raise ValueError(f"model must be one that takes the tables, got {model.model!r}.")
  keras.utils.set_random_seed(settings.seed)
  policy = keras.config.dtype_policy()
  keras.config.set_dtype_policy(settings.precision)
  try:
    network = registry.build(model)
  finally:
    keras.config.set_dtype_policy(policy)
  if network.non_trainable_variables:
    raise ValueError(
      f"model {model.model} has weights that are not trained: it cannot be exported."
    )
  folder = pathlib.Path(settings.output)
  folder.mkdir(parents=True, exist_ok=True)
  weights = [variable.value for variable in network.trainable_variables]
  layout = settings.layout()
  _write(folder / "step.mlir.gz", portable_step.step(network, layout), _arguments(weights, layout))
  np.savez(folder / "initial.npz", **{v.path: v.numpy() for v in network.trainable_variables})
  np.save(folder / "tables.npy", jpeg_tables.all_quantization_tables())
  shutil.copy(pathlib.Path(__file__).parents[1] / "run_exported.py", folder)
  facts = {"model": dataclasses.asdict(model), "layout": dataclasses.asdict(layout)}
  (folder / "layout.json").write_text(json.dumps(facts, indent=1) + "\n")


def _arguments(weights, layout):
  """Returns arguments of the step with arbitrary values, each a tensor of its own."""

  def copies():
    return [tf.identity(weight) for weight in weights]

  batch, side = layout.batch_size, layout.crop_size + portable_step.LARGEST_SHIFT
  crops = portable_step.Crops(
    clean=tf.zeros((batch, side, side, 3), tf.uint8),
    tables=tf.ones((batch, 2, 8, 8)),
    first_tables=tf.ones((layout.twice, 2, 8, 8)),
    shifts=tf.zeros((layout.twice, 2), tf.int32),
    untouched=tf.zeros((batch,)),
    gray=tf.zeros((batch,)),
  )
  numbers = portable_step.Settings(*(tf.constant(value) for value in (1.0, 0.0, 0.9, 0.0)))
  return portable_step.State(*(copies() for _ in range(4))), crops, numbers


def _write(path, function, arguments):
  """Compiles a function for these arguments and writes its StableHLO, as text."""
  compiled = tf.function(function, jit_compile=True, autograph=False)
  text = compiled.experimental_get_compiler_ir(*arguments)(stage="stablehlo")
  signature = text.split("@main(", 1)[1].split(") ->", 1)[0]
  found = len(re.findall(r"%arg\d+: tensor", signature))
  expected = len(tf.nest.flatten(arguments))
  if found != expected:
    raise RuntimeError(f"the program of {path.name} takes {found} arguments, expected {expected}.")
  # Accelerators round the factors of a float32 product to 11 bits: not enough for the JPEG's.
  text = text.replace("precision = [DEFAULT, DEFAULT]", "precision = [HIGHEST, HIGHEST]")
  # Locations and attributes belong to dialects of TensorFlow's compiler.
  text = re.sub(r"module (@\S+) attributes \{.*?\} \{", r"module \1 {", text, count=1)
  text = re.sub(r"^#loc.*$", "", text, flags=re.M)
  text = re.sub(r' loc\((?:#loc\d*|"[^"]*"|unknown)\)', "", text)
  with gzip.open(path, "wt") as stream:
    stream.write(text)
