"""Lists the image files of a folder, a glob or a single path; millions of them if need be."""

import collections
from collections.abc import Iterator
import functools
import glob
import operator
import os
import posixpath
import stat
from typing import NamedTuple

from absl import logging

from deblock.records import harmless, paths, regular_file
from deblock.records.photos import results
from deblock.records.sources import source_image

_SUFFIXES = (
  ".avif", ".bmp", ".gif", ".j2k", ".jfi", ".jfif", ".jif", ".jp2", ".jpe", ".jpeg", ".jpg",
  ".mpo", ".pgm", ".png", ".ppm", ".tga", ".tif", ".tiff", ".webp",
)  # fmt: skip
_WILDCARDS = frozenset("*?[")
# The key of `PassedOver` for the images that are on a list of results.
_RESULTS = "results"
_MOST_KINDS = 8  # Of suffixes, in a message.


class PassedOver(collections.Counter):
  """How many files of folders and globs are not listed: by their suffix, and as results."""

  def __str__(self):
    """Returns a sentence for a log; "" where no file was passed over."""
    kinds = [(suffix, count) for suffix, count in self.items() if suffix != _RESULTS]
    kinds.sort(key=lambda kind: (-kind[1], kind[0]))
    parts = []
    if kinds:
      shown = [f"{count} {suffix or 'without one'}" for suffix, count in kinds[:_MOST_KINDS]]
      shown += ["..."] if len(kinds) > _MOST_KINDS else []
      files = _counted(sum(count for _, count in kinds), "file")
      parts.append(f"{files} whose suffix is no image's ({', '.join(shown)})")
    if _RESULTS in self:
      images = _counted(self[_RESULTS], "image")
      parts.append(f"{images} that a program of deblock wrote, listed in {results.NAME}")
    return f"passed over: {'; '.join(parts)}" if parts else ""


class Found(NamedTuple):
  """The images that a pattern names, sorted by id, and the files that were passed over."""

  images: tuple[source_image.SourceImage, ...]
  passed_over: PassedOver


def from_pattern(pattern: str) -> tuple[source_image.SourceImage, ...]:
  """Returns the images of `find`, with ids that are UTF-8; logs what was passed over.

  In an id each byte that is not UTF-8 becomes an escape, such as "\\xe9": a record's key is text.
  """
  images, passed_over = find(pattern)
  if passed_over:
    logging.warning("%s: %s", pattern, passed_over)
  shown = (source_image.SourceImage.alone(harmless.utf8(image.id), image.path) for image in images)
  return tuple(sorted(shown, key=operator.attrgetter("id")))


def find(pattern: str) -> Found:
  """Returns the images of a folder, a glob or a single file, and what was passed over.

  - A folder: all files below it with the suffix of an image, except names that begin with a dot,
    devices and pipes, and links to these.
  - A glob or a single file: every match, whatever its suffix.
  - Folders and globs skip the images on a list of results, see `photos.results`.

  No image is opened. Files that are not images, and links to nothing, are listed too: reading them
  says why they are unusable.

  Links to local folders are followed, and each folder is listed once: under its path without links,
  if that is below the root, or else under the link with the fewest links before it, and then the
  first name. A loop of links therefore ends, and adding a link to a folder renames no image.

  Args:
    pattern: local, or any path that `tf.io.gfile` knows; a leading ~ is the home folder.
  Raises:
    FileNotFoundError: if nothing matches.
    PermissionError: if a folder cannot be entered, as its images would be missing silently.
    OSError: if a remote folder cannot be listed.
  """
  pattern = os.path.expanduser(pattern)  # noqa: PTH111, pathlib would spoil gs://bucket
  passed_over = PassedOver()
  found = (_remote if paths.is_remote(pattern) else _local)(pattern, passed_over)
  images = [source_image.SourceImage.alone(inside, path) for inside, path in found]
  images.sort(key=operator.attrgetter("id"))
  return Found(tuple(images), passed_over)


def _local(pattern, passed_over):
  """Returns (id, path) of each image file, in any order."""
  try:
    mode = os.stat(pattern).st_mode  # noqa: PTH116, one call tells folder, file and neither
  except PermissionError as error:
    raise PermissionError(f"{pattern!r} cannot be looked up: {error.strerror}.") from error
  except OSError:
    _check_glob_folders(pattern)
    return _matching(pattern, glob.glob(pattern), os.path.isdir, passed_over)  # noqa: PTH207
  if not stat.S_ISDIR(mode):
    return [(posixpath.basename(pattern), pattern)]
  return _some(_walk(pattern, passed_over), _no_images(pattern), passed_over)


def _remote(pattern, passed_over):
  """Returns (id, path) of each image file, in any order."""
  # Imported here because local files do not need it, and because it takes seconds.
  import tensorflow as tf

  gfile = tf.io.gfile
  try:
    if gfile.isdir(pattern):
      return _some(_walk_remote(pattern, passed_over), _no_images(pattern), passed_over)
    if gfile.exists(pattern):
      return [(posixpath.basename(pattern), pattern)]
    return _matching(pattern, gfile.glob(pattern), gfile.isdir, passed_over)
  except tf.errors.PermissionDeniedError as error:
    raise _no_entry(pattern, error.message) from error
  except tf.errors.OpError as error:
    raise OSError(f"{pattern!r} cannot be listed: {error.message}") from error


def _walk(root: str, passed_over: PassedOver) -> Iterator[tuple[str, str]]:
  """Yields (path below the root, path) of each image file; see `find` for the rules."""
  visited: set[tuple[int, int]] = set()
  starts = [("", root)]
  while starts:
    links: list[tuple[str, str]] = []
    for prefix, folder in sorted(starts):
      yield from _walk_without_links(prefix, folder, visited, links, passed_over)
    starts = links


def _walk_without_links(prefix, top, visited, links, passed_over):
  """Yields as `_walk`, and adds to `links` those that lead to folders."""
  waiting = [(prefix, top)]
  while waiting:
    prefix, folder = waiting.pop()
    try:
      status = os.stat(folder)  # noqa: PTH116, as below: paths stay texts, for speed
      if (status.st_dev, status.st_ino) in visited:
        continue
      visited.add((status.st_dev, status.st_ino))
      with os.scandir(folder) as entries:
        every = list(entries)
      shown = [entry for entry in every if not entry.name.startswith(".")]
      listed = any(entry.name == results.NAME for entry in every)
      made = results.load(folder) if listed else {}
    except PermissionError as error:
      raise _no_entry(folder, error.strerror) from error
    folders = []
    for entry in shown:
      # For all but links `scandir` knows the kind, so no file is looked up.
      if entry.is_dir(follow_symlinks=False):
        folders.append((f"{prefix}{entry.name}/", entry.path))
      elif entry.is_symlink() and _leads_to_folder(entry):
        links.append((f"{prefix}{entry.name}/", entry.path))
      elif _is_file_or_link(entry) and _is_taken(entry.name, made, passed_over):
        yield prefix + entry.name, entry.path
    # Sorted, as one folder can be mounted at two places.
    waiting.extend(sorted(folders, reverse=True))


def _is_file_or_link(entry):
  """Returns whether an entry is a file, or a link to anything but a folder, device or pipe."""
  if not entry.is_symlink():
    return entry.is_file(follow_symlinks=False)
  try:
    return not regular_file.kind(entry.stat().st_mode)
  except OSError:
    # It leads nowhere, or where nobody may look: reading it says so.
    return True


def _leads_to_folder(link):
  try:
    return link.is_dir()
  except PermissionError as error:
    # It can lead to a folder or to an image. An unreadable image is reported when it is read.
    if _is_named_as_image(link.name):
      return False
    raise _no_entry(link.path, error.strerror) from error
  except OSError:
    # A link to itself leads nowhere.
    return False


def _walk_remote(root, passed_over):
  import tensorflow as tf

  for place, _, names in tf.io.gfile.walk(root, onerror=_stop):
    inside = posixpath.relpath(place, root)
    prefix = "" if inside == "." else f"{inside}/"
    if any(part.startswith(".") for part in prefix.split("/")):
      continue
    made = _remote_results(place) if results.NAME in names else {}
    for name in names:
      if not name.startswith(".") and _is_taken(name, made, passed_over):
        yield prefix + name, posixpath.join(place, name)


def _remote_results(folder):
  import tensorflow as tf

  with tf.io.gfile.GFile(posixpath.join(folder, results.NAME)) as file:
    return results.parse(file.read())


def _is_taken(name, made, passed_over):
  """Returns whether a file of a folder is listed; if not, counts why."""
  if not _is_named_as_image(name):
    passed_over[posixpath.splitext(name)[1].lower()] += 1
    return False
  if name in made:
    passed_over[_RESULTS] += 1
    return False
  return True


def _matching(pattern, matches, is_folder, passed_over):
  """Returns (id, path) of each file that a glob matches and that is no result."""
  root = _fixed_part(pattern)
  results_of = functools.cache(results.load)
  found = []
  for path in matches:
    if is_folder(path):
      continue
    folder, name = posixpath.split(path)
    if not paths.is_remote(path) and name in results_of(folder):
      passed_over[_RESULTS] += 1
    else:
      found.append((_relative(path, root), path))
  return _some(found, f"no file or folder matches {pattern!r}.", passed_over)


def _check_glob_folders(pattern):
  """Raises PermissionError for a folder that a glob must list, but cannot."""
  part = pattern
  while _WILDCARDS & set(part):
    part = posixpath.dirname(part)
    for folder in glob.glob(part or "."):  # noqa: PTH207
      if os.path.isdir(folder) and not _may_enter(folder):  # noqa: PTH112
        raise _no_entry(folder, "Permission denied")


def _may_enter(folder):
  # Of the effective user where the system supports it, as that user opens the files.
  effective = os.access in os.supports_effective_ids
  return os.access(folder, os.R_OK | os.X_OK, effective_ids=effective)


def _fixed_part(pattern):
  """Returns the folder of a glob above its first wildcard."""
  fixed = pattern
  while _WILDCARDS & set(fixed):
    fixed = posixpath.dirname(fixed)
  return fixed if fixed != pattern else posixpath.dirname(pattern)


def _relative(path, root):
  # The paths of a glob begin with its fixed part; relpath is several times slower.
  above = posixpath.join(root, "")
  return posixpath.normpath(path[len(above) :] if path.startswith(above) else path)


def _is_named_as_image(name):
  return name.lower().endswith(_SUFFIXES)


def _some(found, message, passed_over):
  """Returns the found files as a list.

  Raises:
    FileNotFoundError: if there are none.
  """
  found = list(found)
  if not found:
    raise FileNotFoundError(f"{message} {passed_over}." if passed_over else message)
  return found


def _counted(count, noun):
  return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _stop(error):
  raise error


def _no_images(folder):
  return f"folder {folder!r} holds no images ({', '.join(_SUFFIXES)})."


def _no_entry(folder, reason):
  return PermissionError(
    f"folder {folder!r} cannot be entered: {reason}. Permit it, or name a narrower folder or glob."
  )
