"""Which file becomes which result, which results are finished, and how a file is written whole."""

from collections.abc import Mapping, Sequence
import hashlib
import os
import pathlib
import stat
from typing import Any, NamedTuple
import warnings

from deblock.records import regular_file
from deblock.records.layout import new_file
from deblock.records.photos import results
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
  """One input that is not restored, and the reason."""

  path: str
  reason: str


class Plan(NamedTuple):
  """What a run has to do.

  Attributes:
    jobs: the files to restore.
    refused: the inputs that cannot be restored.
    passed_over: of folders, how many files are no images by their suffix, and how many are results.
  """

  jobs: list[Job]
  refused: list[Refused]
  passed_over: listing.PassedOver


def plan(
  patterns: Sequence[str],
  out: str,
  suffix: str,
  extension: str,
  overwrite: bool = False,
) -> Plan:
  """Returns which files a run restores, and where each result goes.

  A result has its input's name and its place below the folder that was named, with suffix and
  extension. If several folders are named, each becomes a folder in `out`. Results of earlier runs
  in folders and globs are skipped: files on a list of results, files in `out` unless the inputs lie
  there, and names that end with the suffix. No result replaces another input.

  Args:
    patterns: files, folders and globs, as `listing.from_pattern` takes them.
    out: folder of the results.
    suffix: of the results' names.
    extension: of the results' names, with its dot.
    overwrite: whether a result may replace its own input.
  """
  sources: dict[str, tuple[str, str]] = {}
  refused = []
  passed_over = listing.PassedOver()
  prefixes = _prefixes(patterns)
  for pattern in patterns:
    try:
      images, passed = listing.find(pattern)
    except (OSError, ValueError) as error:
      refused.append(Refused(pattern, str(error)))
      continue
    passed_over += passed
    named = len(images) == 1 and images[0].path == os.path.expanduser(pattern)  # noqa: PTH111
    for image in images:
      if named or not _is_result(image.path, pattern, out, suffix):
        inside = f"{prefixes.get(pattern, '')}{image.id}"
        sources.setdefault(_real(image.path), (inside, image.path))
  jobs: dict[str, Job] = {}
  ignores_case = _ignores_case(out)
  for real, (inside, path) in sources.items():
    below = pathlib.PurePosixPath(inside)
    target = pathlib.Path(out) / below.parent / f"{below.stem}{suffix}{extension}"
    place = _real(str(target))
    place = place.casefold() if ignores_case else place
    reason = _problem(real, target, sources, suffix, overwrite)
    if not reason and place in jobs:
      reason = f"its result would be {target}, as that of {jobs[place].path}: restore it separately"
    if reason:
      refused.append(Refused(path, reason))
    else:
      jobs[place] = Job(path, target)
  return Plan(list(jobs.values()), refused, passed_over)


def digest(data: bytes) -> str:
  """Returns the SHA-256 of what a file holds, as hexadecimal digits."""
  return hashlib.sha256(data).hexdigest()


def is_finished(job: Job, input_digest: str, settings: Mapping[str, Any]) -> bool:
  """Returns whether a job's result is there, whole, and made of the same input and settings.

  Args:
    job: the file to restore.
    input_digest: the `digest` of the input.
    settings: every setting that a result depends on; JSON must hold it.
  Raises:
    FileExistsError: if a file is in the way that must not be replaced: it is no result, it was
      changed since, or it is the result of another input.
    OSError: if that file cannot be read.
  """
  try:
    with regular_file.open_to_read(job.target) as file:
      present = file.read()
  except (FileNotFoundError, NotADirectoryError):
    return False
  written = results.load(job.target.parent).get(job.target.name, [])
  of_present = digest(present)
  made = next((facts for facts in reversed(written) if facts.get("sha256") == of_present), None)
  advice = "use another --out, --suffix or --overwrite"
  if made is None:
    if not written:
      raise FileExistsError(f"{job.target} is there and is no result of this program: {advice}")
    if _is_whole(present, job.target):
      raise FileExistsError(f"{job.target} was changed after it was restored: {advice}")
    return False
  if made.get("input_sha256") == input_digest:
    return made.get("settings") == settings
  if made.get("input") != _input_name(job):
    raise FileExistsError(f"{job.target} is the result of {made.get('input')}: {advice}")
  return False


def write(
  job: Job, data: bytes, input_digest: str, settings: Mapping[str, Any], replace: bool = False
) -> None:
  """Writes a result under a temporary name, adds it to its folder's list, and renames it.

  A new result may be read by nobody who may not read its input.

  Args:
    job: the file that was restored.
    data: what the result holds.
    input_digest: as `is_finished` takes it.
    settings: the same.
    replace: whether there was a file in its place, and it may be replaced. If not, a file that is
      there now was written meanwhile, by another process.
  Raises:
    FileExistsError: if such a file must not be replaced, as in `is_finished`.
    OSError: if that fails; no part of the result is left behind then.
  """
  target = job.target
  target.parent.mkdir(parents=True, exist_ok=True)
  facts = {"sha256": digest(data), "input": _input_name(job), "input_sha256": input_digest}

  def save(only_new):
    with new_file.writing(target, only_new=only_new, permissions=_permissions(job.path)) as stream:
      stream.write(data)
      stream.flush()
      # The list first: a result without its line would be taken for somebody's own file.
      results.add(target, **facts, settings=settings)

  try:
    save(only_new=not replace)
  except FileExistsError:
    if not is_finished(job, input_digest, settings):
      save(only_new=False)


def keep_times(job: Job) -> None:
  """Gives a result the times of access and change of its input.

  Raises:
    OSError: if the input or the result is gone.
  """
  status = pathlib.Path(job.path).stat()
  os.utime(job.target, ns=(status.st_atime_ns, status.st_mtime_ns))


def pixels(path: str) -> int:
  """Returns the number of pixels by a local file's header; 0 of others and where that fails."""
  # Here, as below: the process that only plans needs neither Pillow nor NumPy.
  from PIL import Image

  try:
    with warnings.catch_warnings():
      warnings.simplefilter("ignore")
      with regular_file.open_to_read(path) as file, Image.open(file) as picture:
        return picture.width * picture.height
  except Exception:
    # Damaged files make Pillow raise a dozen kinds of errors. The number is for a progress bar
    # alone: reading the file later says what is wrong with it.
    return 0


def _permissions(path):
  """Returns the permissions of an input, its owner's to write among them; all of remote ones."""
  if "://" in path:
    return 0o777
  try:
    return stat.S_IMODE(pathlib.Path(path).stat().st_mode) | stat.S_IWUSR
  except OSError:
    # It is gone by now, and who might read it is not known.
    return stat.S_IRWXU


def _prefixes(patterns):
  """Returns for each of several folders a prefix of its own: the end of its path, with a slash."""
  folders = {}
  for pattern in patterns:
    path = os.path.abspath(os.path.expanduser(pattern))  # noqa: PTH100, PTH111
    if os.path.isdir(path):  # noqa: PTH112
      folders[pattern] = pathlib.PurePath(path).parts[1:]
  distinct = set(folders.values())
  if len(distinct) < 2:
    return {}
  count = 1
  while len({parts[-count:] for parts in distinct}) < len(distinct):
    count += 1
  return {pattern: "".join(f"{part}/" for part in folders[pattern][-count:]) for pattern in folders}


def _ignores_case(folder):
  """Returns whether "a.png" and "A.png" are one file in a folder, as on most disks of macOS."""
  other = folder.swapcase()
  try:
    return other != folder and os.path.samefile(folder, other)  # noqa: PTH121
  except OSError:
    return False


def _input_name(job):
  """Returns what a list calls an input: its path from the result's folder, so both may move."""
  if "://" in job.path:
    return job.path
  try:
    return os.path.relpath(os.path.realpath(job.path), os.path.realpath(job.target.parent))
  except ValueError:
    # On Windows there is no way from one disk to another.
    return os.path.realpath(job.path)


def _is_whole(data, path):
  from deblock.records.photos import reading

  try:
    with reading.opened(data, str(path)) as picture:
      picture.load()
  except ValueError:
    return False
  return True


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


def _problem(real, target, sources, suffix, overwrite):
  """Returns why an input cannot be restored to its target, or ""."""
  taken = _real(str(target))
  if taken == real and not overwrite:
    return (
      f"its result would take its place: use another --out, --suffix, or --overwrite ({target})"
    )
  if taken in sources and taken != real:
    return f"its result would take the place of the input {target}: use another --out or --suffix"
  if not suffix and not overwrite and target.parent.resolve() == pathlib.Path(real).parent:
    return "its result would lie beside it under the same name: use another --out, or --suffix"
  return ""
