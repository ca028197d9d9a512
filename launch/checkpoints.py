"""The state of a run on disk.

Variables are listed one by one: TensorFlow finds a Keras layer's parts by its attributes, overlooks
those that stand in a list, and neither saves them nor complains.
"""

from collections.abc import Mapping, Sequence
import pathlib

import tensorflow as tf

FOLDER = "checkpoints"
KEPT = 3
# Which of a run's weights are meant: the averaged ones if it has any, the last ones, the averages.
AUTO, RAW, AVERAGED = WEIGHTS = ("auto", "raw", "averaged")
_AVERAGES = "averages"


class Checkpoints:
  """Saves and restores a run: weights, optimiser, steps taken and seconds trained.

  The position in the data needs no state: it follows from the number of steps.

  Args:
    logdir: folder of the run.
    network: keras.Model.
    optimizer: keras.optimizers.Optimizer, built.
    state: what else changes from step to step, lists of variables by name; "averages" of all
      weights are what `restore_network` takes first.
  """

  def __init__(
    self,
    logdir: str,
    network,
    optimizer,
    state: Mapping[str, Sequence[tf.Variable]] | None = None,
  ):
    self.step = tf.Variable(0, dtype=tf.int64, name="step")
    self.seconds = tf.Variable(0.0, dtype=tf.float64, name="seconds")
    self._network = network
    self._checkpoint = tf.train.Checkpoint(
      weights=_variables(network.weights),
      optimizer=_variables(optimizer.variables),
      step=self.step,
      seconds=self.seconds,
      **{name: list(variables) for name, variables in (state or {}).items()},
    )
    self._manager = tf.train.CheckpointManager(
      self._checkpoint, str(pathlib.Path(logdir) / FOLDER), max_to_keep=KEPT
    )

  def restore(self) -> str | None:
    """Restores the latest checkpoint and returns its path; None where there is none yet.

    Raises:
      ValueError: if it is unreadable or of another network.
    """
    latest = self._manager.latest_checkpoint
    if latest is not None:
      _restore(self._checkpoint, latest, self._network)
    return latest

  def save(self) -> str:
    """Writes a checkpoint and returns its path; it becomes the latest when it is whole."""
    return self._manager.save(checkpoint_number=self.step)


def is_begun(logdir: str) -> bool:
  """Returns whether a run has a checkpoint to go on from, whole or not."""
  return any((pathlib.Path(logdir) / FOLDER).glob("*.index"))


def latest(logdir: str) -> str:
  """Returns the path of a run's latest checkpoint.

  Raises:
    FileNotFoundError: if there is none.
  """
  folder = pathlib.Path(logdir) / FOLDER
  path = tf.train.latest_checkpoint(str(folder))
  if path is None:
    raise FileNotFoundError(f"{folder} has no checkpoint: the run has not got that far yet.")
  return path


def restore_network(logdir: str, network, weights: str = AUTO) -> int:
  """Restores a network's weights from a run's latest checkpoint.

  Args:
    logdir: folder of the run.
    network: keras.Model.
    weights: which ones, one of `WEIGHTS`.
  Returns:
    The number of steps they were trained for.
  Raises:
    FileNotFoundError: if there is no checkpoint.
    ValueError: if it is unreadable or of another network, or has no averages and they are asked
      for.
  """
  path = latest(logdir)
  step = tf.Variable(0, dtype=tf.int64)
  part = {_part(path, weights): _variables(network.weights)}
  _restore(tf.train.Checkpoint(step=step, **part), path, network)
  return int(step.numpy())


def stored_weights(path: str, weights: str = AUTO) -> list:
  """Returns a checkpoint's weights in the network's order, float32 arrays.

  Raises:
    ValueError: if it is unreadable, or has no averages and they are asked for.
  """
  part = _part(path, weights)
  try:
    reader = tf.train.load_checkpoint(path)
    count = sum(name.startswith(f"{part}/") for name in reader.get_variable_to_shape_map())
    names = [f"{part}/{index}/.ATTRIBUTES/VARIABLE_VALUE" for index in range(count)]
    return [reader.get_tensor(name) for name in names]
  except (IndexError, ValueError, tf.errors.OpError) as error:
    raise ValueError(f"{path} is damaged: {str(error).strip().splitlines()[0]}") from error


def _part(path, weights):
  """Returns the name under which a checkpoint holds the weights that are meant."""
  if weights == RAW:
    return "weights"
  try:
    names = [name for name, _ in tf.train.list_variables(path)]
  except (ValueError, tf.errors.OpError) as error:
    raise ValueError(f"{path} is damaged: {str(error).strip().splitlines()[0]}") from error
  if any(name.startswith(f"{_AVERAGES}/") for name in names):
    return _AVERAGES
  if weights == AVERAGED:
    raise ValueError(
      f"{path} holds no averaged weights: its run had --ema_decay=0. Use --weights=raw or auto."
    )
  return "weights"


def _variables(variables):
  return [variable.value for variable in variables]


def _restore(checkpoint, path, network):
  try:
    stored = sum(name.startswith("weights/") for name, _ in tf.train.list_variables(path))
    if stored != len(network.weights):
      raise ValueError(f"it holds {stored} weights, the network has {len(network.weights)}.")
    status = checkpoint.restore(path)
    status.assert_existing_objects_matched()
    # Evaluation has no use for the optimiser's part.
    status.expect_partial()
  except (AssertionError, IndexError, ValueError, tf.errors.OpError) as error:
    reason = str(error).strip().splitlines()[0]
    raise ValueError(
      f"{path} is damaged, or holds another network than the run's settings describe: {reason}"
    ) from error
