"""Prepares a folder of records for writing: settings, lock, and leftovers of interrupted runs."""

from collections.abc import Collection, Iterator, Mapping
import contextlib
import json
import posixpath
from typing import Any

from absl import logging

from deblock.records import option
from deblock.records.layout import files, manifest, new_file
from deblock.records.writing import shard

SETTINGS = "settings.json"
LOCK = "lock"

_SHARD_PREFIX = "deblock-"


def check(folder: str, settings: Mapping[str, Any], overwrite: bool) -> bool:
  """Returns whether a folder already has records of these settings, finished or not.

  Raises:
    ValueError: if it has other files, or records of other settings without `overwrite`; the message
      names the first difference.
    PermissionError: if it cannot be listed.
  """
  try:
    names = files.names(folder)
  except OSError as error:
    reason = error.strerror or error
    raise PermissionError(f"records folder {folder} cannot be used: {reason}.") from error
  # An interrupted run can leave the folder of the lock alone.
  if not names or names == [shard.SIDECARS]:
    return False
  if SETTINGS not in names:
    raise ValueError(
      f"records folder {folder} has other files and no {SETTINGS}: use an empty or new folder."
    )
  if overwrite:
    return _read_settings(folder, lenient=True) == settings
  old = _read_settings(folder)
  for name in sorted(old.keys() | settings.keys()):
    if old.get(name) != settings.get(name):
      raise ValueError(
        f"{folder} has records with {name}={_shown(old, name)}, not {_shown(settings, name)}: use "
        "another --records folder, or --overwrite."
      )
  return True


def _shown(settings, name):
  return option.text(settings[name]) or "''" if name in settings else "none"


@contextlib.contextmanager
def writing(folder: str) -> Iterator[None]:
  """Makes a folder and locks it while the body runs.

  Raises:
    PermissionError: if the folder cannot be written.
    BlockingIOError: if another process is writing there.
  """
  sidecars = posixpath.join(folder, shard.SIDECARS)
  with contextlib.ExitStack() as stack:
    try:
      files.make_folder(sidecars)
      stack.enter_context(files.locked(posixpath.join(sidecars, LOCK)))
    except BlockingIOError as error:
      raise BlockingIOError(
        f"{folder} is being written by another process: wait for it, or use another --records."
      ) from error
    except OSError as error:
      reason = error.strerror or error
      raise PermissionError(f"records folder {folder} cannot be written: {reason}.") from error
    yield


def begin(folder: str, settings: Mapping[str, Any]) -> None:
  """Stores the settings of the records to write, and removes the manifest of complete records."""
  _remove(folder, lambda name: name == manifest.NAME)
  files.write_text(posixpath.join(folder, SETTINGS), json.dumps(settings, indent=1) + "\n")


def remove_leftovers(folder: str, keep: Collection[str]) -> None:
  """Removes the leftovers of interrupted runs: temporary files, and shards not in `keep`.

  The folder has a settings file of deblock, so files with these names are deblock's.
  """
  kept = {*keep, *(f"{name}.json" for name in keep)}

  def is_left(name):
    is_other = name.startswith(_SHARD_PREFIX) and name not in kept
    return is_other or new_file.is_temporary(name)

  _remove(folder, is_left)
  _remove(posixpath.join(folder, shard.SIDECARS), is_left)


def _remove(folder, is_wanted):
  for name in files.names(folder):
    if is_wanted(name):
      files.remove(posixpath.join(folder, name))


def _read_settings(folder, lenient=False):
  path = posixpath.join(folder, SETTINGS)
  try:
    return files.read_json(dict[str, Any], path)
  except ValueError as error:
    if lenient:
      logging.warning("%s", error)
      return {}
    raise ValueError(f"{str(error).rstrip('.')}; use --overwrite.") from error
