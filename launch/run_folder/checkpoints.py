"""The state of a run on disk.

Variables are listed one by one. TensorFlow finds the parts of a Keras layer by its attributes; it
silently overlooks those in a list.
"""

from collections.abc import Callable, Mapping, Sequence
import importlib.metadata
import json
import pathlib
from typing import Any, NamedTuple

from absl import logging
import numpy as np
import tensorflow as tf

from deblock.launch.run_folder import checkpoint_folder, checkpoint_index
from deblock.records import graph_errors, json_text, typed_values

FOLDER, BEST = checkpoint_folder.FOLDER, checkpoint_folder.BEST
KEPT = 3
_NOTES = "notes/.ATTRIBUTES/py_state"
_PACKAGES = ("deblock", "tensorflow", "keras")


class Checkpoints:
  """Saves and loads a run: weights, optimiser, steps taken and seconds trained.

  The position in the data needs no state: it follows from the number of steps.

  Args:
    logdir: folder of the run.
    network: keras.Model.
    optimizer: keras.optimizers.Optimizer, built.
    extra: more variables to save and load, in lists by name; a checkpoint that lacks one of them is
      refused.
    keep: number of latest checkpoints that are kept.
    about: JSON values that are saved for readers and not loaded, such as the run's settings.
    saved_in: folder to save to, if it is not `logdir`.
  """

  def __init__(
    self,
    logdir: str,
    network,
    optimizer,
    extra: Mapping[str, Sequence[tf.Variable]] | None = None,
    *,
    keep: int = KEPT,
    about: Mapping[str, Any] | None = None,
    saved_in: str | None = None,
  ):
    self.step = tf.Variable(0, dtype=tf.int64, name="step")
    self.seconds = tf.Variable(0.0, dtype=tf.float64, name="seconds")
    # JSON values of the training loop, loaded with the rest.
    self.notes: dict[str, Any] = {}
    self._about = {**(about or {}), "versions": versions()}
    self._folder = pathlib.Path(logdir) / FOLDER
    self._target = pathlib.Path(saved_in or logdir) / FOLDER
    self._keep = keep
    self._checked = (*network.weights, *optimizer.variables)
    self._lists = {
      "weights": variables_of(network.weights),
      "optimizer": variables_of(optimizer.variables),
      **{name: list(variables) for name, variables in (extra or {}).items()},
    }
    self._parts = {**self._lists, "step": self.step, "seconds": self.seconds}

  def load(self) -> str | None:
    """Loads the latest checkpoint and returns its path; None if there is no checkpoint yet.

    If it cannot be loaded, a warning names it, and the one before it is loaded.

    Raises:
      ValueError: if all checkpoints are unreadable or of another network.
    """
    for folder in (self._target, self._target / BEST):
      checkpoint_folder.discard_unfinished(folder)
    paths = checkpoint_folder.latest_first(self._folder)
    if not paths:
      return None
    path = load_first(paths, lambda path: load(path, self._parts, self._lists))
    kept = _notes(path)
    self.notes = kept.loop
    _warn_of_versions(path, kept.about.get("versions", {}))
    return path

  def save(self) -> str:
    """Writes a checkpoint and returns its path; it becomes the latest when it is complete.

    Raises:
      FloatingPointError: if a weight or the optimiser's state is not finite. Nothing is written.
      OSError: if it cannot be written. Earlier checkpoints stay as they are.
    """
    return self._write(self._target, self._keep)

  def save_best(self) -> str:
    """Writes a checkpoint that replaces the best one, in a folder of its own.

    Raises:
      FloatingPointError: as `save`.
      OSError: as `save`.
    """
    return self._write(self._target / BEST, 1)

  def _write(self, folder, keep):
    step = int(self.step.numpy())
    for variable in self._checked:
      if not np.isfinite(variable.numpy()).all():
        raise FloatingPointError(
          f"{variable.path} holds values that are not finite after step {step}, though the loss "
          f"up to it was finite. {_remaining(self._folder)} Train with a lower --learning_rate in "
          "another --logdir."
        )
    notes = _Notes({"loop": self.notes, "about": self._about})
    try:
      prefix = checkpoint_folder.begin(folder, step)
      tf.train.Checkpoint(**self._parts, notes=notes).write(prefix)
      return checkpoint_folder.publish(folder, step, keep)
    except (OSError, tf.errors.OpError) as error:
      checkpoint_folder.discard_unfinished(folder)
      reason = error.strerror if isinstance(error, OSError) else graph_errors.gist(error)
      # TensorFlow puts the name of a temporary file before the reason.
      reason = str(reason).rpartition("; ")[2]
      raise OSError(
        f"{folder} cannot take the checkpoint of step {step}: {reason}. {_remaining(self._folder)} "
        "When there is room, resume with the same command."
      ) from error


def versions() -> dict[str, str]:
  """Returns the versions of the packages that weights depend on; "" if one is not installed."""
  found = {}
  for package in _PACKAGES:
    try:
      found[package] = importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
      found[package] = ""
  return found


def is_begun(logdir: str) -> bool:
  """Returns whether a run has a checkpoint to resume from, damaged or not."""
  return any((pathlib.Path(logdir) / FOLDER).glob("*.index"))


class _Stored(NamedTuple):
  """What the notes of a checkpoint hold."""

  loop: dict[str, Any] = {}  # noqa: RUF012 - never changed.
  about: dict[str, Any] = {}  # noqa: RUF012 - as above.


class _Notes(tf.train.experimental.PythonState):
  """JSON values inside a checkpoint; read back by their key."""

  def __init__(self, values):
    self._text = json.dumps(values)

  def serialize(self):
    """Returns the JSON."""
    return self._text

  def deserialize(self, string_value):
    """Takes the JSON of a checkpoint."""
    self._text = tf.compat.as_str(string_value)


def _notes(path):
  """Returns the JSON values of a checkpoint; older ones have none.

  Raises:
    ValueError: if they are damaged.
  """
  reader = tf.train.load_checkpoint(path)
  if not reader.has_tensor(_NOTES):
    return _Stored()
  name = f"{path} is damaged: its notes"
  # The best value of an evaluation can be infinite.
  values = json_text.parse(reader.get_tensor(_NOTES), name, finite=False)
  return typed_values.build(_Stored, values, name)


def _warn_of_versions(path, before):
  now = versions()
  differences = [
    f"{package} {version}, now {now[package] or 'none'}"
    for package, version in before.items()
    if package in now and now[package] != version
  ]
  if differences:
    logging.warning(
      "%s was saved by another version (%s): the run may end with slightly different weights.",
      path,
      "; ".join(differences),
    )


def _remaining(folder):
  """Returns a sentence on the checkpoint that remains when saving fails."""
  paths = checkpoint_folder.latest_first(folder)
  return f"The latest checkpoint stays {paths[0]}." if paths else "Nothing was saved before."


def variables_of(variables) -> list[tf.Variable]:
  """Returns the TensorFlow variables of Keras variables."""
  return [variable.value for variable in variables]


def load_first(paths: Sequence[str], take: Callable[[str], None]) -> str:
  """Loads the first checkpoint that can be loaded, warns of those before it, and returns its path.

  Args:
    paths: of checkpoints, in the order to try.
    take: loads one.
  Raises:
    ValueError: if `take` raises one for each path; with all their messages.
  """
  problems = []
  for path in paths:
    try:
      take(path)
    except ValueError as error:
      problems.append(error)
      continue
    for problem in problems:
      logging.warning("%s; going back to %s.", str(problem).rstrip("."), path)
    return path
  if len(problems) == 1:
    raise problems[0]
  raise ValueError("; ".join(str(problem).rstrip(".") for problem in problems) + ".")


def load(path: str, parts: Mapping[str, Any], lists: Mapping[str, Sequence[tf.Variable]]) -> None:
  """Loads parts of a checkpoint.

  Args:
    path: of the checkpoint.
    parts: trackable objects by name.
    lists: those parts that are lists of variables; each must have its length in the checkpoint.
  Raises:
    ValueError: if it is unreadable or of another network.
  """
  checkpoint_index.check(path)
  try:
    names = [name for name, _ in tf.train.list_variables(path)]
    for part, variables in lists.items():
      stored = sum(name.startswith(f"{part}/") for name in names)
      if stored != len(variables):
        raise ValueError(f"it holds {stored} {part}, the run has {len(variables)}.")
    status = tf.train.Checkpoint(**parts).read(path)
    status.assert_existing_objects_matched()
    # Evaluation does not load the optimiser.
    status.expect_partial()
  except (AssertionError, IndexError, ValueError, tf.errors.OpError) as error:
    reason = str(error).strip().splitlines()[0]
    raise ValueError(
      f"{path} is damaged, or holds another network than the run's settings describe: {reason}"
    ) from error
