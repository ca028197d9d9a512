"""Checkpoints as files: a checkpoint is complete, or it is not there.

A checkpoint is written into a temporary folder and then moved, its index last; nothing without an
index is read. Then the file `checkpoint` is replaced by one that names it, in TensorFlow's own
format. Only then are older checkpoints deleted, their index first. So a kill at any moment leaves
the latest complete checkpoint complete.
"""

from collections.abc import Sequence
import os
import pathlib
import re
import shutil
from typing import Any

from deblock.records.layout import files

FOLDER = "checkpoints"  # Of a run's folder; in it lies the folder of the best checkpoint.
LATEST, BEST = WHICH = ("latest", "best")
WHICH_HELP = (
  "of the run in --logdir: latest or best; if empty, the best if the run has --restore_best, else "
  "the latest"
)
AUTO, RAW, AVERAGED = KINDS = ("auto", "raw", "averaged")
KIND_HELP = "weights of a run: auto, the averaged ones if it has any; raw, the last ones; averaged"
STATE_FILE = "checkpoint"
_EXPORTED = "exported"
_SAVING = ".saving"
_MOST_STATE_BYTES = 2**20
_INDEX = re.compile(r"ckpt-(\d{1,18})\.index")
_NAMED = re.compile(r'^model_checkpoint_path: "(?:.*/)?ckpt-(\d{1,18})"$', re.MULTILINE)


def begin(folder: pathlib.Path, step: int) -> str:
  """Returns the prefix to write the checkpoint of a step to, in an empty folder.

  Raises:
    OSError: if the folder cannot be made.
  """
  discard_unfinished(folder)
  (folder / _SAVING).mkdir(parents=True)
  return str(folder / _SAVING / f"ckpt-{step}")


def discard_unfinished(folder: pathlib.Path) -> None:
  """Deletes the files of a save that did not end."""
  shutil.rmtree(folder / _SAVING, ignore_errors=True)


def publish(folder: pathlib.Path, step: int, keep: int) -> str:
  """Makes the files at the prefix of `begin` the latest checkpoint, and returns its path.

  Args:
    folder: of the checkpoints.
    step: of this one.
    keep: number of checkpoints that stay: this one and those before it. Checkpoints of later steps
      belong to a run that was not continued, and are deleted.
  Raises:
    OSError: if a file cannot be moved.
  """
  name = f"ckpt-{step}"
  written = list((folder / _SAVING).glob(f"{name}.*"))
  for path in written:
    _sync(path)
  # The data of an older checkpoint of this step must not be taken for that of the new index.
  (folder / f"{name}.index").unlink(missing_ok=True)
  for path in sorted(written, key=lambda path: path.suffix == ".index"):
    path.replace(folder / path.name)
  kept = [other for other in steps(folder) if other <= step][-keep:]
  _write_state(folder, kept)
  for other in steps(folder):
    if other not in kept:
      (folder / f"ckpt-{other}.index").unlink()
  # Also data whose index was deleted before a process was killed here.
  for path in folder.glob("ckpt-*.data-*"):
    if not path.with_suffix(".index").exists():
      path.unlink()
  discard_unfinished(folder)
  return str(folder / name)


def steps(folder: pathlib.Path) -> list[int]:
  """Returns the steps of the checkpoints that have an index, rising."""
  matches = (_INDEX.fullmatch(path.name) for path in folder.glob("ckpt-*.index"))
  return sorted(int(match[1]) for match in matches if match)


def latest_first(folder: pathlib.Path) -> Sequence[str]:
  """Returns the paths of the checkpoints that may be used, in the order to try.

  The first is the one that the file `checkpoint` names, even if it is missing; then those of
  earlier steps. Without that file, all checkpoints.
  """
  found = steps(folder)
  state = folder / STATE_FILE
  named = _NAMED.search(_text(state)) if state.exists() else None
  if named:
    last = int(named[1])
    found = [step for step in found if step < last] + [last]
  return [str(folder / f"ckpt-{step}") for step in reversed(found)]


def _text(path):
  return files.read_bytes(path, _MOST_STATE_BYTES).decode("utf-8", "replace")


def check_which(name: str, logdir: str) -> None:
  """Checks a choice of a run's checkpoints, which may be empty.

  Raises:
    ValueError: if it is not one of WHICH, or there is no run.
  """
  if name and name not in WHICH:
    raise ValueError(f"checkpoint must be one of {', '.join(WHICH)}, got {name!r}.")
  if name and not logdir:
    raise ValueError(f"checkpoint {name} is of a run: name its folder with --logdir=DIR.")


def check_kind(name: str, logdir: str) -> None:
  """Checks a choice of a run's weights.

  Raises:
    ValueError: if it is not one of KINDS, or is not "auto" and there is no run.
  """
  if name not in KINDS:
    raise ValueError(f"weights must be one of {', '.join(KINDS)}, got {name!r}.")
  if name != AUTO and not logdir:
    raise ValueError(f"weights {name} are of a run: name its folder with --logdir=DIR.")


def of_run(logdir: str, which: str = LATEST) -> Sequence[str]:
  """Returns the paths of a run's checkpoints, the one to use first.

  Args:
    logdir: folder of the run.
    which: one of `WHICH`.
  Raises:
    FileNotFoundError: if there are none.
  """
  folder = pathlib.Path(logdir) / FOLDER
  if which == BEST:
    paths = latest_first(folder / BEST)
    if not paths:
      raise FileNotFoundError(
        f"{folder} has no best checkpoint: the run was not evaluated while it was trained. Use "
        "--checkpoint=latest."
      )
    return paths
  paths = latest_first(folder)
  if not paths:
    raise FileNotFoundError(f"{folder} has no checkpoint: the run has not saved one yet.")
  return paths


def exported_path(logdir: str, which: str = "") -> pathlib.Path:
  """Returns where the network of a run's checkpoint is exported to, a file for each checkpoint.

  Args:
    logdir: folder of the run.
    which: one of `WHICH`; empty for the one that the run's own settings ask for.
  Raises:
    FileNotFoundError: if there is no run or no checkpoint.
    ValueError: if the run's settings cannot be read.
  """
  which = which or (BEST if _restores_best(logdir) else LATEST)
  name = pathlib.Path(of_run(logdir, which)[0]).name
  return pathlib.Path(logdir) / _EXPORTED / f"{which}-{name}.onnx"


def _restores_best(logdir):
  path = pathlib.Path(logdir) / "run.json"
  if not path.exists():
    raise FileNotFoundError(f"{logdir} holds no run: it has no {path.name}. Train one there first.")
  parts = files.read_json(dict[str, dict[str, Any]], path)
  return any(part.get("restore_best", False) is True for part in parts.values())


def _write_state(folder, kept):
  lines = [f'model_checkpoint_path: "ckpt-{kept[-1]}"']
  lines += [f'all_model_checkpoint_paths: "ckpt-{step}"' for step in kept]
  files.write_text(folder / STATE_FILE, "\n".join(lines) + "\n", durable=True)


def _sync(path):
  """Writes a file's bytes to the disk, so that a power cut cannot leave its name without them."""
  descriptor = os.open(path, os.O_RDONLY)
  try:
    os.fsync(descriptor)
  finally:
    os.close(descriptor)
