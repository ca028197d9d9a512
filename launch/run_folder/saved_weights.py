"""Weights of a run for later use: of its latest or best checkpoint, averaged or not."""

import pathlib
from typing import NamedTuple

import keras
import tensorflow as tf

from deblock.launch.run_folder import checkpoint_folder, checkpoint_index, checkpoints, run_file
from deblock.launch.settings import train as train_settings
from deblock.model import pretrained, pretrained_files
from deblock.model.networks import registry

LATEST, BEST = checkpoint_folder.WHICH
AUTO, RAW, AVERAGED = checkpoint_folder.KINDS
_AVERAGES = "averages"


def load(logdir: str, network, which: str = LATEST, kind: str = AUTO) -> int:
  """Loads a network's weights from a run's latest or best checkpoint.

  If the latest one cannot be loaded, a warning names it, and the one before it is loaded.

  Args:
    logdir: folder of the run.
    network: keras.Model.
    which: checkpoint, one of `checkpoint_folder.WHICH`.
    kind: of weights, one of `checkpoint_folder.KINDS`.
  Returns:
    The number of steps that the weights were trained for.
  Raises:
    FileNotFoundError: if there is no checkpoint.
    ValueError: if all are unreadable or of another network, or kind is "averaged" and they have no
      averages.
  """
  step = tf.Variable(0, dtype=tf.int64)
  variables = checkpoints.variables_of(network.weights)

  def take(path):
    lists = {_part(path, kind): variables}
    checkpoints.load(path, {**lists, "step": step}, lists)

  checkpoints.load_first(checkpoint_folder.of_run(logdir, which), take)
  return int(step.numpy())


class Trained(NamedTuple):
  """A run's network with its weights.

  Attributes:
    network: keras.Model in float32.
    entry: what the registry says of it.
    run: the run's settings.
    step: number of steps that the weights were trained for.
  """

  network: keras.Model
  entry: registry.Entry
  run: train_settings.RunConfig
  step: int


def load_network(logdir: str, checkpoint: str = "", kind: str = AUTO) -> Trained:
  """Returns a run's network with the weights of a checkpoint.

  Args:
    logdir: folder of the run.
    checkpoint: one of `checkpoint_folder.WHICH`; empty for the one that the run's own settings ask
      for, the best with restore_best.
    kind: of weights, one of `checkpoint_folder.KINDS`.
  Raises:
    FileNotFoundError: if there is no run or no checkpoint.
    ValueError: as in `load`.
  """
  run = run_file.load(logdir)
  entry = registry.configured(run.model)
  network = entry.build(run.model.width, run.model.residual)
  which = checkpoint or (BEST if run.stopping.restore_best else LATEST)
  return Trained(network, entry, run, load(logdir, network, which, kind))


def latest(logdir: str) -> str:
  """Returns the path of a run's latest checkpoint.

  Raises:
    FileNotFoundError: if there is none.
  """
  return checkpoint_folder.of_run(logdir, LATEST)[0]


def arrays(path: str, kind: str = AUTO) -> list:
  """Returns a checkpoint's weights in the network's order, float32 arrays.

  Raises:
    ValueError: if it is unreadable, or kind is "averaged" and it has no averages.
  """
  checkpoint_index.check(path)
  part = _part(path, kind)
  try:
    reader = tf.train.load_checkpoint(path)
    count = sum(name.startswith(f"{part}/") for name in reader.get_variable_to_shape_map())
    names = [f"{part}/{index}/.ATTRIBUTES/VARIABLE_VALUE" for index in range(count)]
    return [reader.get_tensor(name) for name in names]
  except (IndexError, ValueError, tf.errors.OpError) as error:
    raise ValueError(f"{path} is damaged: {str(error).strip().splitlines()[0]}") from error


def initialize(network, source: str) -> str:
  """Sets all weights of a network to stored ones: to the averages, if a run kept them.

  Args:
    network: keras.Model.
    source: folder of a run, for its latest checkpoint; a checkpoint's path; or a name of pretrained
      weights.
  Returns:
    The place of the weights, for messages.
  Raises:
    FileNotFoundError: if there is no such source.
    ValueError: if its weights have other shapes; names the first one that differs.
  """
  if source in pretrained_files.names():
    found, (shipped, _) = f"the pretrained weights {source}", pretrained.load(source)
    stored = [weight.numpy() for weight in shipped.weights]
  else:
    found = source if pathlib.Path(f"{source}.index").exists() else _latest_of(source)
    stored = arrays(found)
  shapes = [tuple(array.shape) for array in stored]
  for index, weight in enumerate(network.weights):
    there = shapes[index] if index < len(shapes) else None
    if there != tuple(weight.shape):
      raise ValueError(
        f"init_from {source} does not fit {network.name}: {weight.path}, the first weight that "
        f"differs, is {tuple(weight.shape)} in the network and {there or 'missing'} in {found}."
      )
  if len(shapes) > len(network.weights):
    raise ValueError(
      f"init_from {source} does not fit {network.name}, which has {len(network.weights)} weights: "
      f"{found} holds {len(shapes)}, the first {len(network.weights)} of the same shapes."
    )
  for weight, array in zip(network.weights, stored, strict=True):
    weight.assign(tf.constant(array))
  return found


def _part(path, kind):
  """Returns the name under which a checkpoint holds weights of a kind."""
  if kind == RAW:
    return "weights"
  checkpoint_index.check(path)
  try:
    names = [name for name, _ in tf.train.list_variables(path)]
  except (ValueError, tf.errors.OpError) as error:
    raise ValueError(f"{path} is damaged: {str(error).strip().splitlines()[0]}") from error
  if any(name.startswith(f"{_AVERAGES}/") for name in names):
    return _AVERAGES
  if kind == AVERAGED:
    raise ValueError(
      f"{path} holds no averaged weights: its run had --ema_decay=0. Use --weights=raw or auto."
    )
  return "weights"


def _latest_of(source):
  try:
    return latest(source)
  except FileNotFoundError as error:
    known = ", ".join(pretrained_files.names())
    raise FileNotFoundError(
      f"init_from must be a run's folder, a checkpoint or one of {known}, got {source}: {error}"
    ) from error
