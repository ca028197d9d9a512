"""Lists image files, millions of them if need be: of a folder, a glob, or a single one."""

from collections.abc import Iterator
import operator
import os
import posixpath
import stat

import tensorflow as tf

from deblock.records import paths
from deblock.records.sources import source_image

IMAGE_SUFFIXES = frozenset(
  (
    ".avif",
    ".bmp",
    ".gif",
    ".j2k",
    ".jp2",
    ".jpeg",
    ".jpg",
    ".pgm",
    ".png",
    ".ppm",
    ".tga",
    ".tif",
    ".tiff",
    ".webp",
  )
)

_SUFFIXES = tuple(sorted(IMAGE_SUFFIXES))
_WILDCARDS = frozenset("*?[")


def from_pattern(pattern: str) -> tuple[source_image.SourceImage, ...]:
  """Returns the images of a folder, a glob or a single file, sorted by id.

  A folder is walked down; of it, files with the suffix of an image count, and names that begin
  with a dot do not, nor do devices and pipes. Of a glob or a single file every match counts,
  whatever its suffix. What is no image in spite of its name is listed too, a link to nothing
  among them: reading it tells why it cannot be used. No file is opened.

  Links to local folders are followed, and each folder is listed once however many ways lead to it:
  under its own path, if it has one below the root without links; or else under the link that comes
  first, counting the links that were passed on the way and then by name. So a loop of links ends,
  and a link added to a folder does not rename the images that were there.

  Args:
    pattern: local, or any path that `tf.io.gfile` knows; a leading ~ is the home folder.
  Raises:
    FileNotFoundError: if nothing matches.
    PermissionError: if a folder cannot be entered: its images would be missing unnoticed.
    ValueError: if the name of an image is not UTF-8, which a record's key must be.
  """
  pattern = os.path.expanduser(pattern)  # noqa: PTH111, pathlib would spoil gs://bucket
  try:
    found = _remote(pattern) if paths.is_remote(pattern) else _local(pattern)
    images = [source_image.SourceImage.alone(inside, path) for inside, path in found]
  except UnicodeDecodeError as error:
    raise _not_utf8(pattern, error.object) from error
  images.sort(key=operator.attrgetter("id"))
  return tuple(images)


def _local(pattern):
  """Returns (id, path) of each image file, in any order."""
  try:
    mode = os.stat(pattern).st_mode  # noqa: PTH116, one call tells folder, file and neither
  except PermissionError as error:
    raise PermissionError(f"{pattern!r} cannot be looked up: {error.strerror}.") from error
  except OSError:
    _check_glob_folders(pattern)
    return _glob(pattern, os.path.isdir)
  found = _walk(pattern) if stat.S_ISDIR(mode) else [(posixpath.basename(pattern), pattern)]
  return _some(_encodable(found, pattern), _no_images(pattern))


def _remote(pattern):
  """Returns (id, path) of each image file, in any order."""
  gfile = tf.io.gfile
  try:
    if gfile.isdir(pattern):
      return _some(_walk_remote(pattern), _no_images(pattern))
    if gfile.exists(pattern):
      return [(posixpath.basename(pattern), pattern)]
    return _glob(pattern, gfile.isdir)
  except tf.errors.PermissionDeniedError as error:
    raise _no_entry(pattern, error.message) from error


def _walk(root: str) -> Iterator[tuple[str, str]]:
  """Yields (path below the root, path) of each image file; see `from_pattern` for the rules."""
  visited: set[tuple[int, int]] = set()
  starts = [("", root)]
  while starts:
    links: list[tuple[str, str]] = []
    for prefix, folder in sorted(starts):
      yield from _walk_without_links(prefix, folder, visited, links)
    starts = links


def _walk_without_links(prefix, top, visited, links):
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
        shown = [entry for entry in entries if not entry.name.startswith(".")]
    except PermissionError as error:
      raise _no_entry(folder, error.strerror) from error
    folders = []
    for entry in shown:
      # Of all but links the kind came with the name, so no file is looked up.
      if entry.is_dir(follow_symlinks=False):
        folders.append((f"{prefix}{entry.name}/", entry.path))
      elif entry.is_symlink() and _leads_to_folder(entry):
        links.append((f"{prefix}{entry.name}/", entry.path))
      elif _is_named_as_image(entry.name) and (
        entry.is_file(follow_symlinks=False) or entry.is_symlink()
      ):
        yield prefix + entry.name, entry.path
    # Sorted, as one folder can be mounted at two places.
    waiting.extend(sorted(folders, reverse=True))


def _leads_to_folder(link):
  try:
    return link.is_dir()
  except PermissionError as error:
    # It may lead to a folder of images or be one; only an image will be named when it is read.
    if _is_named_as_image(link.name):
      return False
    raise _no_entry(link.path, error.strerror) from error
  except OSError:
    # A link to itself leads nowhere.
    return False


def _walk_remote(root):
  for place, _, names in tf.io.gfile.walk(root, onerror=_stop):
    inside = posixpath.relpath(place, root)
    prefix = "" if inside == "." else f"{inside}/"
    if any(part.startswith(".") for part in prefix.split("/")):
      continue
    for name in names:
      if not name.startswith(".") and _is_named_as_image(name):
        yield prefix + name, posixpath.join(place, name)


def _glob(pattern, is_folder):
  root = _fixed_part(pattern)
  matches = tf.io.gfile.glob(pattern) if pattern else ()
  found = [(_relative(path, root), path) for path in matches if not is_folder(path)]
  return _some(found, f"no file or folder matches {pattern!r}.")


def _check_glob_folders(pattern):
  """Raises PermissionError for a folder that a glob would have to look into, but cannot."""
  part = pattern
  while _WILDCARDS & set(part):
    part = posixpath.dirname(part)
    for folder in tf.io.gfile.glob(part or "."):
      if os.path.isdir(folder) and not _may_enter(folder):  # noqa: PTH112
        raise _no_entry(folder, "Permission denied")


def _may_enter(folder):
  # Where it can be asked, of the user that files are opened as, who need not be the one logged in.
  effective = os.access in os.supports_effective_ids
  return os.access(folder, os.R_OK | os.X_OK, effective_ids=effective)


def _fixed_part(pattern):
  """Returns the folder of a glob above its first wildcard."""
  fixed = pattern
  while _WILDCARDS & set(fixed):
    fixed = posixpath.dirname(fixed)
  return fixed if fixed != pattern else posixpath.dirname(pattern)


def _relative(path, root):
  # What a glob finds begins with its fixed part; relpath is several times slower.
  above = posixpath.join(root, "")
  return posixpath.normpath(path[len(above) :] if path.startswith(above) else path)


def _is_named_as_image(name):
  return name.lower().endswith(_SUFFIXES)


def _encodable(found, pattern):
  """Yields what it is given, unless a path is not UTF-8."""
  for inside, path in found:
    if not path.isascii():
      try:
        path.encode("utf-8")
      except UnicodeEncodeError as error:
        raise _not_utf8(pattern, os.fsencode(path)) from error
    yield inside, path


def _some(found, message):
  """Returns what was found as a list, which must not be empty."""
  found = list(found)
  if not found:
    raise FileNotFoundError(message)
  return found


def _stop(error):
  raise error


def _no_images(folder):
  return f"folder {folder!r} holds no images ({', '.join(_SUFFIXES)})."


def _no_entry(folder, reason):
  return PermissionError(
    f"folder {folder!r} cannot be entered: {reason}. Permit it, or name a narrower folder or glob."
  )


def _not_utf8(pattern, name):
  return ValueError(
    f"{pattern!r} holds a file name that is not UTF-8 ({name!r}): rename that file."
  )
