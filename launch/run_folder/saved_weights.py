"""Which of a run's weights are used once it is trained: of which checkpoint, averaged or not."""

import pathlib

import tensorflow as tf

from deblock.launch.run_folder import checkpoint_folder, checkpoints

LATEST, BEST = WHICH = ("latest", "best")
WHICH_HELP = (
  "of the run in --logdir: latest or best; if empty, the best where it was trained with "
  "--restore_best, else the latest"
)
AUTO, RAW, AVERAGED = KINDS = ("auto", "raw", "averaged")
KIND_HELP = "of a run: auto, its averaged ones if it has any; raw, the last ones; averaged"
_AVERAGES = "averages"


def check_which(name: str, logdir: str) -> None:
  """Checks that a name says which of a run's checkpoints is meant, or nothing.

  Raises:
    ValueError: if it does not, or there is no run.
  """
  if name and name not in WHICH:
    raise ValueError(f"checkpoint must be one of {', '.join(WHICH)}, got {name!r}.")
  if name and not logdir:
    raise ValueError(f"checkpoint {name} is of a run: name its folder with --logdir=DIR.")


def check_kind(name: str, logdir: str) -> None:
  """Checks that a name says which kind of a run's weights is meant.

  Raises:
    ValueError: if it does not, or there is no run and it says more than "auto".
  """
  if name not in KINDS:
    raise ValueError(f"weights must be one of {', '.join(KINDS)}, got {name!r}.")
  if name != AUTO and not logdir:
    raise ValueError(f"weights {name} are of a run: name its folder with --logdir=DIR.")


def restore(logdir: str, network, which: str = LATEST, kind: str = AUTO) -> int:
  """Restores a network's weights from a run's latest or best checkpoint.

  A latest one that cannot be restored is named in a warning, and the one before it taken.

  Args:
    logdir: folder of the run.
    network: keras.Model.
    which: of the checkpoints, one of `WHICH`.
    kind: of weights, one of `KINDS`.
  Returns:
    The number of steps they were trained for.
  Raises:
    FileNotFoundError: if there is no checkpoint.
    ValueError: if all are unreadable or of another network, or have no averages and they are asked
      for.
  """
  step = tf.Variable(0, dtype=tf.int64)
  variables = checkpoints.variables_of(network.weights)

  def take(path):
    lists = {_part(path, kind): variables}
    checkpoints.restore(path, {**lists, "step": step}, lists)

  checkpoints.restore_first(_paths(logdir, which), take)
  return int(step.numpy())


def latest(logdir: str) -> str:
  """Returns the path of a run's latest checkpoint.

  Raises:
    FileNotFoundError: if there is none.
  """
  return _paths(logdir, LATEST)[0]


def arrays(path: str, kind: str = AUTO) -> list:
  """Returns a checkpoint's weights in the network's order, float32 arrays.

  Raises:
    ValueError: if it is unreadable, or has no averages and they are asked for.
  """
  part = _part(path, kind)
  try:
    reader = tf.train.load_checkpoint(path)
    count = sum(name.startswith(f"{part}/") for name in reader.get_variable_to_shape_map())
    names = [f"{part}/{index}/.ATTRIBUTES/VARIABLE_VALUE" for index in range(count)]
    return [reader.get_tensor(name) for name in names]
  except (IndexError, ValueError, tf.errors.OpError) as error:
    raise ValueError(f"{path} is damaged: {str(error).strip().splitlines()[0]}") from error


def _paths(logdir, which):
  folder = pathlib.Path(logdir) / checkpoints.FOLDER
  if which == BEST:
    paths = checkpoint_folder.latest_first(folder / checkpoints.BEST)
    if not paths:
      raise FileNotFoundError(
        f"{folder} has no best checkpoint: the run was not evaluated while it was trained. Use "
        "--checkpoint=latest."
      )
    return paths
  paths = checkpoint_folder.latest_first(folder)
  if not paths:
    raise FileNotFoundError(f"{folder} has no checkpoint: the run has not got that far yet.")
  return paths


def _part(path, kind):
  """Returns the name under which a checkpoint holds the weights that are meant."""
  if kind == RAW:
    return "weights"
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
