"""Weights that a new run starts from: another run's, or those that ship."""

import pathlib

import tensorflow as tf

from deblock.launch.run_folder import saved_weights
from deblock.model import pretrained


def initialize(network, source: str) -> str:
  """Sets all weights of a network to stored ones; of a run that averaged them, to the averages.

  Args:
    network: keras.Model.
    source: folder of a run, for its latest checkpoint; a checkpoint's path; or a name of weights
      that ship.
  Returns:
    Where they were found.
  Raises:
    FileNotFoundError: if there is no such thing.
    ValueError: if it holds weights of other shapes; the first one that differs is named.
  """
  if source in pretrained.names():
    found, (shipped, _) = f"the weights {source} that ship", pretrained.load(source)
    arrays = [weight.numpy() for weight in shipped.weights]
  else:
    found = source if pathlib.Path(f"{source}.index").exists() else _latest(source)
    arrays = saved_weights.arrays(found)
  shapes = [tuple(array.shape) for array in arrays]
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
  for weight, array in zip(network.weights, arrays, strict=True):
    weight.assign(tf.constant(array))
  return found


def _latest(source):
  try:
    return saved_weights.latest(source)
  except FileNotFoundError as error:
    raise FileNotFoundError(
      f"init_from must be a run's folder, a checkpoint or one of {', '.join(pretrained.names())}, "
      f"got {source}: {error}"
    ) from error
