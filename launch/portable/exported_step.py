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

from deblock.launch.portable import host_crops, portable_step
from deblock.launch.portable import settings as settings_lib
from deblock.model import pretrained
from deblock.model.networks import config as model_config
from deblock.model.networks import registry
from deblock.records.jpeg import tables as jpeg_tables
from deblock.records.layout import own_files
from deblock.records.photos import results

# Files of a run of `run_exported`.
LAYOUT, AVERAGES, STATE = "layout.json", "averages.npz", "state.npz"
PACKED = "images"  # Folder beside the programs, as the runner looks for it.
# Beside the programs, for a machine without deblock; paths below `launch`.
RUNNER = ("run_exported.py", "portable/device_crops.py", "portable/host_crops.py")


def export(model: model_config.ModelConfig, settings: settings_lib.StepConfig) -> None:
  """Writes the step as programs, with initial weights, tables and the runner beside them.

  step.mlir.gz compresses the crops itself, fed.mlir.gz takes JPEGs; late_step.mlir.gz and
  late_fed.mlir.gz are those of the crops at the end.

  Raises:
    ValueError: if the network takes no tables or has state besides its trainable weights, or the
      pretrained weights are of another network.
    FileNotFoundError: if there are no images to pack; nothing is written then.
    FileExistsError: if a file or folder is in the way that no program of deblock wrote.
  """
  if not registry.get(model.model).conditioned:
    raise ValueError(f"model must be one that takes the tables, got {model.model!r}.")
  packed = _packable(settings.images) if settings.images else []
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
  if settings.init_from:
    _start_from(network, settings.init_from)
  folder = pathlib.Path(settings.output)
  folder.mkdir(parents=True, exist_ok=True)
  layouts = settings.layouts()
  for prefix, layout in zip(("", "late_"), layouts, strict=False):
    path = folder / f"{prefix}step.mlir.gz"
    _write(path, portable_step.step(network, layout), _arguments(network, _crops(layout)), True)
    path = folder / f"{prefix}fed.mlir.gz"
    _write(path, portable_step.fed_step(network), _arguments(network, _fed(layout)), False)
  with own_files.writing(folder / "initial.npz") as stream:
    np.savez(stream, **{v.path: v.numpy() for v in network.trainable_variables})
  with own_files.writing(folder / "tables.npy") as stream:
    np.save(stream, jpeg_tables.all_quantization_tables())
  for name in RUNNER:
    source = pathlib.Path(__file__).parents[1] / name
    own_files.write_bytes(folder / source.name, source.read_bytes())
  if settings.images:
    _pack(packed, folder, settings.images_mib, settings.seed)
  facts = {
    "model": dataclasses.asdict(model),
    "layouts": [dataclasses.asdict(layout) for layout in layouts],
  }
  own_files.write_text(folder / LAYOUT, json.dumps(facts, indent=1) + "\n")


def _start_from(network, name):
  trained, _ = pretrained.load(name)
  arrays = {variable.path: variable.value for variable in trained.weights}
  if arrays.keys() != {variable.path for variable in network.weights}:
    raise ValueError(f"init_from {name} holds weights of {trained.name}, not of {network.name}.")
  for variable in network.weights:
    variable.assign(arrays[variable.path])


def _packable(images):
  """Returns the files of that folder which the runner reads."""
  folder = pathlib.Path(images)
  paths = sorted(folder.iterdir()) if folder.is_dir() else []
  paths = [path for path in paths if path.suffix in (".webp", ".png")]
  if not paths:
    raise FileNotFoundError(
      f"images must be a folder that holds WebP or PNG files, got {images!r}."
    )
  return paths


def _pack(paths, output, most_mib, seed):
  """Copies images in random order until they have that size; replaces what was packed before."""
  folder = output / PACKED
  if folder.exists() and PACKED not in results.load(output):
    raise FileExistsError(f"{folder} is there and was not packed by deblock: move it away.")
  shutil.rmtree(folder, ignore_errors=True)
  results.mark(folder)
  folder.mkdir()
  left = most_mib * 2**20
  for index in np.random.default_rng(seed).permutation(len(paths)):
    left -= paths[index].stat().st_size
    if left < 0:
      return
    shutil.copyfile(paths[index], folder / paths[index].name)


def _arguments(network, images):
  """Returns arguments of a step with arbitrary values, each a tensor of its own."""

  def copies():
    return [tf.identity(variable.value) for variable in network.trainable_variables]

  numbers = portable_step.Settings(*(tf.constant(value) for value in (1.0, 0.0, 0.9, 0.0)))
  return portable_step.State(*(copies() for _ in range(4))), images, numbers


def _crops(layout):
  batch, side = layout.batch_size, layout.crop_size + portable_step.LARGEST_SHIFT
  return portable_step.Crops(
    clean=tf.zeros((batch, side, side, 3), tf.uint8),
    tables=tf.ones((batch, 2, 8, 8)),
    first_tables=tf.ones((layout.twice, 2, 8, 8)),
    shifts=tf.zeros((layout.twice, 2), tf.int32),
    untouched=tf.zeros((batch,)),
    gray=tf.zeros((batch,)),
  )


def _fed(layout):
  return portable_step.Fed(*map(tf.constant, host_crops.empty(dataclasses.asdict(layout))))


def _write(path, function, arguments, exact):
  """Compiles a function for these arguments and writes its StableHLO, as text.

  Args:
    path: to write to.
    function: of tensors.
    arguments: of the function.
    exact: whether float32 products must be exact on any device.
  """
  compiled = tf.function(function, jit_compile=True, autograph=False)
  text = compiled.experimental_get_compiler_ir(*arguments)(stage="stablehlo")
  signature = text.split("@main(", 1)[1].split(") ->", 1)[0]
  found = len(re.findall(r"%arg\d+: tensor", signature))
  expected = len(tf.nest.flatten(arguments))
  if found != expected:
    raise RuntimeError(f"the program of {path.name} takes {found} arguments, expected {expected}.")
  if exact:
    # Accelerators round the factors of a float32 product to 11 bits: not enough for the JPEG's.
    text = text.replace("precision = [DEFAULT, DEFAULT]", "precision = [HIGHEST, HIGHEST]")
  # Locations and attributes belong to dialects of TensorFlow's compiler.
  text = re.sub(r"module (@\S+) attributes \{.*?\} \{", r"module \1 {", text, count=1)
  text = re.sub(r"^#loc.*$", "", text, flags=re.M)
  text = re.sub(r' loc\((?:#loc\d*|"[^"]*"|unknown)\)', "", text)
  own_files.write_bytes(path, gzip.compress(text.encode("utf-8")))
