"""Where results go, what is finished already, and how a file is written whole or not at all."""

from collections.abc import Sequence
import os
import pathlib
import struct
from typing import NamedTuple
import warnings

from PIL import Image
import tensorflow as tf

from deblock.records.photos import reading
from deblock.records.sources import listing


class Job(NamedTuple):
  """One file to restore.

  Attributes:
    path: of the input.
    target: of the result.
  """

  path: str
  target: pathlib.Path


class Refused(NamedTuple):
  """One input that nothing is done for, and why."""

  path: str
  reason: str


def plan(
  patterns: Sequence[str],
  out: str,
  suffix: str,
  extension: str,
  overwrite: bool = False,
) -> tuple[list[Job], list[Refused]]:
  """Returns what is to be restored, and what was asked for but cannot be.

  A result has its input's name and place below the folder that was named, but for suffix and
  extension. Of folders and globs, results of earlier runs are passed over: what lies in `out`, if
  the inputs do not, and names that end with the suffix. No result takes another input's place.

  Args:
    patterns: files, folders and globs, as `listing.from_pattern` takes them.
    out: folder of the results.
    suffix: of the results' names.
    extension: of the results' names, with its dot.
    overwrite: whether a result may take its own input's place.
  """
  sources: dict[str, tuple[str, str]] = {}
  refused = []
  for pattern in patterns:
    try:
      listed = listing.from_pattern(pattern)
    except (OSError, ValueError, tf.errors.OpError) as error:
      refused.append(Refused(pattern, getattr(error, "message", None) or str(error)))
      continue
    named = len(listed) == 1 and listed[0].path == os.path.expanduser(pattern)  # noqa: PTH111
    for image in listed:
      if named or not _is_result(image.path, pattern, out, suffix):
        sources.setdefault(_real(image.path), (image.id, image.path))
  jobs: dict[str, Job] = {}
  for real, (inside, path) in sources.items():
    below = pathlib.PurePosixPath(inside)
    target = pathlib.Path(out) / below.parent / f"{below.stem}{suffix}{extension}"
    reason = _problem(real, target, sources, jobs, suffix, overwrite)
    if reason:
      refused.append(Refused(path, reason))
    else:
      jobs[_real(str(target))] = Job(path, target)
  return list(jobs.values()), refused


def is_finished(job: Job) -> bool:
  """Returns whether a job's result is there, newer than its input, and whole."""
  try:
    if job.target.stat().st_mtime_ns < tf.io.gfile.stat(job.path).mtime_nsec:
      return False
    with reading.opened(job.target.read_bytes(), str(job.target)) as picture:
      picture.load()
  except (OSError, ValueError, tf.errors.OpError):
    return False
  return True


def write(target: pathlib.Path, data: bytes) -> None:
  """Writes a file under a temporary name, and then renames it.

  Raises:
    OSError: if that fails; nothing is left behind then.
  """
  target.parent.mkdir(parents=True, exist_ok=True)
  # A leading dot keeps it out of listings.
  temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
  try:
    temporary.write_bytes(data)
    temporary.replace(target)
  finally:
    temporary.unlink(missing_ok=True)


def may_write(folder: str) -> bool:
  """Returns whether files may be written into a folder, as far as its permissions tell."""
  # Where it can be asked, of the user that files are opened as, who need not be the one logged in.
  effective = os.access in os.supports_effective_ids
  return os.access(folder, os.W_OK | os.X_OK, effective_ids=effective)


def pixels(path: str) -> int:
  """Returns the number of pixels by a local file's header; 0 of others and where that fails."""
  try:
    with warnings.catch_warnings():
      warnings.simplefilter("ignore")
      with Image.open(path) as picture:
        return picture.width * picture.height
  except (OSError, ValueError, SyntaxError, struct.error, Image.DecompressionBombError):
    # For a progress bar alone: what is wrong will be told when the file is read.
    return 0


def _real(path):
  return path if "://" in path else os.path.realpath(path)


def _is_result(path, pattern, out, suffix):
  if suffix and pathlib.PurePosixPath(path).stem.endswith(suffix):
    return True
  folder = _real(out)
  inputs_are_there = _is_below(_real(pattern), folder)
  return _is_below(_real(path), folder) and not inputs_are_there


def _is_below(path, folder):
  return path == folder or path.startswith(folder + os.sep)


def _problem(real, target, sources, jobs, suffix, overwrite):
  """Returns why an input cannot be restored to its target, or ""."""
  taken = _real(str(target))
  if taken == real and not overwrite:
    return (
      f"its result would take its place: use another --out, --suffix, or --overwrite ({target})"
    )
  if taken in sources and taken != real:
    return f"its result would take the place of the input {target}: use another --out or --suffix"
  if taken in jobs:
    return f"its result would be {target}, as that of {jobs[taken].path}: restore it separately"
  if not suffix and not overwrite and target.parent.resolve() == pathlib.Path(real).parent:
    return "its result would lie beside it under the same name: use another --out, or --suffix"
  return ""
