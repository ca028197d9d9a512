"""The state of a run on disk.

Variables are listed one by one: TensorFlow finds a Keras layer's parts by its attributes, overlooks
those that stand in a list, and neither saves them nor complains.
"""

import pathlib

import tensorflow as tf

FOLDER = "checkpoints"
KEPT = 3


class Checkpoints:
  """Saves and restores a run: weights, optimiser, steps taken and seconds trained.

  The position in the data needs no state: it follows from the number of steps.

  Args:
    logdir: folder of the run.
    network: keras.Model.
    optimizer: keras.optimizers.Optimizer, built.
    saved_in: folder of the run to save to, where that is another one than to restore from.
  """

  def __init__(self, logdir: str, network, optimizer, saved_in: str | None = None):
    self.step = tf.Variable(0, dtype=tf.int64, name="step")
    self.seconds = tf.Variable(0.0, dtype=tf.float64, name="seconds")
    self._network = network
    self._checkpoint = tf.train.Checkpoint(
      weights=_variables(network.weights),
      optimizer=_variables(optimizer.variables),
      step=self.step,
      seconds=self.seconds,
    )
    self._logdir = logdir
    self._manager = tf.train.CheckpointManager(
      self._checkpoint, str(pathlib.Path(saved_in or logdir) / FOLDER), max_to_keep=KEPT
    )

  def restore(self) -> str | None:
    """Restores the latest checkpoint and returns its path; None where there is none yet.

    Raises:
      ValueError: if it is unreadable or of another network.
    """
    found = tf.train.latest_checkpoint(str(pathlib.Path(self._logdir) / FOLDER))
    if found is not None:
      _restore(self._checkpoint, found, self._network)
    return found

  def save(self) -> str:
    """Writes a checkpoint and returns its path; it becomes the latest when it is whole."""
    return self._manager.save(checkpoint_number=self.step)


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


def restore_network(logdir: str, network) -> int:
  """Restores a network's weights from a run's latest checkpoint.

  Returns:
    The number of steps they were trained for.
  Raises:
    FileNotFoundError: if there is no checkpoint.
    ValueError: if it is unreadable or of another network.
  """
  step = tf.Variable(0, dtype=tf.int64)
  checkpoint = tf.train.Checkpoint(weights=_variables(network.weights), step=step)
  _restore(checkpoint, latest(logdir), network)
  return int(step.numpy())


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
