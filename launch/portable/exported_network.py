"""A trained network as one file for other runtimes: ONNX, a TensorFlow SavedModel or LiteRT.

All take `compressed`, float32 [N, H, W, 3] in [0, 1], whose block grid starts at the first pixel,
of any height and width (24x24 for networks that restore block by block), and, if the network is
conditioned, `tables`, float32 [N, 2, 8, 8], the quantisation steps; they return `restored`, float32
[N, H', W', 3], which [0, 1] does not bound. Each is read again after writing and compared with the
network it was made from.
"""

from collections.abc import Callable
import contextlib
import dataclasses
import logging
import pathlib
import shutil
from typing import Any, NamedTuple
import warnings

import numpy as np
import tensorflow as tf

from deblock.launch.portable import settings as settings_lib
from deblock.launch.restoring import network_file
from deblock.launch.run_folder import saved_weights
from deblock.model import pretrained, pretrained_files, restorer
from deblock.model.networks import registry
from deblock.records import quiet
from deblock.records.jpeg import sampling as jpeg_sampling
from deblock.records.jpeg import tables as jpeg_tables
from deblock.records.layout import manifest, new_file, own_files

# The ONNX operators' version: the first with all that the networks use, so that old runtimes do.
_OPSET = 17
LARGEST_DIFFERENCE = 1e-3  # Of an 8-bit level, between Keras and an exported network.
# Settings that name folders and machines, which are nobody's business who is given the file.
_PLACES = ("logdir", "records", "init_from", "data_service", "workers")
_ODD_SIZES = ((1, 1), (8, 8), (17, 70), (61, 43))
_QUALITIES = (10, 50, 95)


class Exported(NamedTuple):
  """What was written.

  Attributes:
    path: of the file or folder.
    difference: the largest one to Keras over the compared images, in 8-bit levels.
    step: number of steps that the weights were trained for; 0 if not known.
  """

  path: pathlib.Path
  difference: float
  step: int


def export(settings: settings_lib.ExportConfig) -> Exported:
  """Writes a network and compares it with the one it was made from.

  Raises:
    FileNotFoundError: if there is no run or no checkpoint.
    FileExistsError: if a folder is to be written that is there and not empty, or a file is there
      that no program of deblock wrote.
    ValueError: if the network cannot be written in that format, or the file differs by more than
      `LARGEST_DIFFERENCE`; nothing is left behind then.
  """
  if settings.kind != settings_lib.SAVED_MODEL:
    own_files.check(settings.output)
  if settings.model:
    network, entry = pretrained.load(settings.model)
    step, facts = 0, pretrained_facts(settings.model)
  else:
    trained = saved_weights.load_network(settings.logdir, settings.checkpoint, settings.weights)
    network, entry, step = trained.network, trained.entry, trained.step
    facts = _run_facts(trained, settings.weights)
  path = pathlib.Path(settings.output)
  return Exported(path, write(network, entry, path, settings.kind, facts), step)


def write(
  network, entry: registry.Entry, path: pathlib.Path, kind: str, facts: dict[str, Any]
) -> float:
  """Writes a network and returns its largest difference to Keras, in 8-bit levels.

  Args:
    network: keras.Model built by `entry`.
    entry: what the registry says of it.
    path: to write to; a file there that a program of deblock wrote is replaced.
    kind: one of `settings.FORMATS`.
    facts: what an ONNX file says of the network beside its traits, values that JSON can hold.
  Raises:
    FileExistsError, ValueError: as in `export`.
  """
  if (
    kind == settings_lib.SAVED_MODEL
    and path.exists()
    and (not path.is_dir() or any(path.iterdir()))
  ):
    raise FileExistsError(f"output {path} exists and is not an empty folder: choose another one.")
  path.parent.mkdir(parents=True, exist_ok=True)
  function = _function(network, entry)
  writer, reader = {
    settings_lib.ONNX: (_write_onnx, _read_onnx),
    settings_lib.SAVED_MODEL: (_write_saved_model, _read_saved_model),
    settings_lib.LITERT: (_write_litert, _read_litert),
  }[kind]
  with (_new_folder if kind == settings_lib.SAVED_MODEL else _own_file)(path) as temporary:
    # Converters report their progress as warnings, and their libraries' ages.
    with warnings.catch_warnings(), quiet.standard_error():
      warnings.simplefilter("ignore")
      writer(function, entry, temporary, facts)
      difference = compare(function, reader(temporary, entry), entry)
    if not difference <= LARGEST_DIFFERENCE:
      raise ValueError(
        f"{path} is not written: the exported network differs from {network.name} by "
        f"{difference:.2g} levels, {LARGEST_DIFFERENCE:g} at most are accepted."
      )
  return difference


@contextlib.contextmanager
def _own_file(path):
  """Gives the body a temporary path, whose file becomes `path`."""
  with own_files.writing(path) as stream:
    yield pathlib.Path(stream.name)


@contextlib.contextmanager
def _new_folder(path):
  """Gives the body a temporary folder, and renames it to `path`, where an empty one may be."""
  temporary = pathlib.Path(new_file.temporary_path(str(path.parent)))
  try:
    temporary.mkdir()
    yield temporary
    if path.exists():
      path.rmdir()
    temporary.replace(path)
  finally:
    shutil.rmtree(temporary, ignore_errors=True)


def compare(function: Callable, exported: Callable, entry: registry.Entry) -> float:
  """Returns the largest difference between two networks on odd sizes, in 8-bit levels.

  Args:
    function: a list of inputs to float32 [N, H', W', 3].
    exported: the same.
    entry: what the registry says of the network.
  """
  margin = 2 * entry.consumed
  sides = ((jpeg_sampling.BLOCK, jpeg_sampling.BLOCK),) if entry.blockwise else _ODD_SIZES
  random = np.random.default_rng(0)
  largest = 0.0
  for height, width in sides:
    height, width = height + margin, width + margin
    # Of blocks of 8, as JPEGs are, and noise.
    coarse = random.random((1, height // 8 + 1, width // 8 + 1, 3)).repeat(8, 1).repeat(8, 2)
    noise = random.normal(0.0, 0.05, (1, height, width, 3))
    image = np.clip(coarse[:, :height, :width] + noise, 0.0, 1.0).astype(np.float32)
    for quality in _QUALITIES:
      inputs = [image]
      if entry.conditioned:
        inputs.append(jpeg_tables.quantization_tables(quality)[np.newaxis].astype(np.float32))
      change = np.abs(np.asarray(exported(inputs)) - np.asarray(function(*inputs)))
      largest = max(largest, 255.0 * float(change.max()))
  return largest


def _function(network, entry):
  """Returns the network's inference as a tf.function of named inputs, its weights constants."""
  call = restorer.with_constants(network)
  side = jpeg_sampling.BLOCK + 2 * entry.context if entry.blockwise else None
  signature = [tf.TensorSpec((None, side, side, 3), tf.float32, network_file.COMPRESSED)]
  if entry.conditioned:
    shape = (None, 2, jpeg_sampling.BLOCK, jpeg_sampling.BLOCK)
    signature.append(tf.TensorSpec(shape, tf.float32, network_file.TABLES))
  # TensorFlow names the inputs of a SavedModel and of LiteRT after the function's arguments.
  restore = (
    (lambda compressed, tables: call([compressed, tables]))
    if entry.conditioned
    else (lambda compressed: call(compressed))
  )
  return tf.function(restore, input_signature=signature, autograph=False)


def _write_onnx(function, entry, path, facts):
  import onnx  # Its converter takes seconds to load, which nothing else here needs.
  import tf2onnx

  logging.getLogger("tf2onnx").setLevel(logging.ERROR)
  model, _ = tf2onnx.convert.from_function(
    function, input_signature=function.input_signature, opset=_OPSET
  )
  _name_output(model.graph)
  model.graph.name = entry.name
  model.producer_name, model.producer_version = "deblock", ""
  model.doc_string = f"{entry.name}: JPEG artifact removal, written by deblock-export"
  graph = model.graph.SerializeToString(deterministic=True)
  text = network_file.description(_traits(entry), facts, graph)
  onnx.helper.set_model_props(model, {network_file.KEY: text})
  onnx.checker.check_model(model)
  path.write_bytes(model.SerializeToString(deterministic=True))


def _name_output(graph):
  (output,) = graph.output
  for node in graph.node:
    for names in (node.input, node.output):
      for index, name in enumerate(names):
        if name == output.name:
          names[index] = network_file.RESTORED
  output.name = network_file.RESTORED


def _traits(entry):
  names = (field.name for field in dataclasses.fields(registry.config.Traits))
  return registry.config.Traits(**{name: getattr(entry, name) for name in names})


def _read_onnx(path, entry):
  import onnxruntime

  file = network_file.read(path)  # As restoring reads it.
  session = onnxruntime.InferenceSession(file.content, providers=["CPUExecutionProvider"])
  names = [network_file.COMPRESSED, network_file.TABLES][: 1 + entry.conditioned]
  return lambda inputs: session.run(None, dict(zip(names, inputs, strict=True)))[0]


class _Module(tf.Module):
  """What a SavedModel holds: one function."""

  def __init__(self, function):
    super().__init__()
    self.restore = tf.function(
      lambda *inputs: {network_file.RESTORED: function(*inputs)},
      input_signature=function.input_signature,
      autograph=False,
    )


def _write_saved_model(function, entry, path, facts):
  del entry, facts
  module = _Module(function)
  tf.saved_model.save(module, str(path), signatures={"serving_default": module.restore})


def _read_saved_model(path, entry):
  serve = tf.saved_model.load(str(path)).signatures["serving_default"]
  names = [network_file.COMPRESSED, network_file.TABLES][: 1 + entry.conditioned]

  def run(inputs):
    named = {name: tf.constant(value) for name, value in zip(names, inputs, strict=True)}
    return serve(**named)[network_file.RESTORED]

  return run


def _write_litert(function, entry, path, facts):
  del facts
  concrete = function.get_concrete_function()
  converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], function)
  try:
    path.write_bytes(converter.convert())
  except Exception as error:  # Of a class of its own for each stage.
    raise ValueError(
      f"{entry.name} cannot be written as LiteRT: {str(error).strip().splitlines()[0]}"
    ) from error


def _read_litert(path, entry):
  del entry
  interpreter = tf.lite.Interpreter(str(path))
  # In the function's order, whatever the file's is.
  places = sorted(interpreter.get_input_details(), key=lambda detail: detail["name"])
  (result,) = interpreter.get_output_details()

  def run(inputs):
    for detail, value in zip(places, inputs, strict=True):
      interpreter.resize_tensor_input(detail["index"], value.shape)
    interpreter.allocate_tensors()
    for detail, value in zip(places, inputs, strict=True):
      interpreter.set_tensor(detail["index"], value)
    interpreter.invoke()
    return interpreter.get_tensor(result["index"])

  return run


def pretrained_facts(name: str, folder: pathlib.Path = pretrained_files.FOLDER) -> dict[str, Any]:
  """Returns what an ONNX file says of pretrained weights, which lie in a folder."""
  stored = pretrained_files.manifest(folder)[name]
  return {
    "name": name,
    "settings": {"model": {"model": stored["model"], "width": stored["width"]}},
    "trained_on": stored.get("trained_on", ""),
    "weights_sha256": stored["sha256"],
  }


def _run_facts(trained, weights):
  settings = {
    part: {name: value for name, value in values.items() if name not in _PLACES}
    for part, values in dataclasses.asdict(trained.run).items()
  }
  return {
    "name": pathlib.Path(trained.run.train.logdir).resolve().name,
    "settings": settings,
    "trained_on": _records_facts(trained.run.input.records),
    "step": trained.step,
    "weights": weights,
  }


def _records_facts(folder):
  """Returns what a run was trained on, as far as its records are still there."""
  try:
    records = manifest.load(folder)
  except (OSError, ValueError, tf.errors.OpError):
    return {}
  settings = {
    name: value for name, value in records.settings.items() if name not in ("images", "records")
  }
  return {"images": len(records.images), "settings": settings}
