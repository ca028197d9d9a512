"""Where clean images come from: a folder, a glob or a file, and the samples of scikit-image."""

import dataclasses
import importlib.util
import os
import pathlib
import posixpath

import tensorflow as tf

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

# Clean colour photographs of scikit-image; its others are gray or have been JPEGs before. The two
# motorcycles are one scene seen by two cameras, so they must not stand on both sides of a split.
_PACKAGED = (
  ("astronaut.png", "astronaut"),
  ("coffee.png", "coffee"),
  ("motorcycle_left.png", "motorcycle"),
  ("motorcycle_right.png", "motorcycle"),
)


@dataclasses.dataclass(frozen=True)
class SourceImage:
  """One clean image before it is read.

  Attributes:
    id: stable, unique name within its source, such as the path below the folder.
    path: where to read it.
    group: images of one group are never on two sides of a split.
  """

  id: str
  path: str
  group: str


def from_pattern(pattern: str) -> tuple[SourceImage, ...]:
  """Returns the images of a folder, a glob or a single file, sorted by id.

  A folder is walked down; of it, files with the suffix of an image count, and names that begin
  with a dot do not. Of a glob or a single file every match counts, whatever its suffix. What is
  no image in spite of its name is listed too: reading it tells why it cannot be used.

  Args:
    pattern: local, or any path that `tf.io.gfile` knows; a leading ~ is the home folder.
  Raises:
    FileNotFoundError: if nothing matches.
    ValueError: if a name is not UTF-8, which a record's key must be.
  """
  pattern = os.path.expanduser(pattern)  # noqa: PTH111, pathlib would spoil gs://bucket
  try:
    return _list(pattern)
  except UnicodeDecodeError as error:
    raise ValueError(
      f"{pattern!r} holds a file name that is not UTF-8 ({error.object!r}): rename that file."
    ) from error


def packaged() -> tuple[SourceImage, ...]:
  """Returns the clean colour photographs that come with scikit-image.

  Only its data folder is looked up; the library is not imported.

  Raises:
    FileNotFoundError: if scikit-image or one of the photographs is not installed.
  """
  spec = importlib.util.find_spec("skimage")
  if spec is None or not spec.submodule_search_locations:
    raise FileNotFoundError("scikit-image is not installed: give --images=FOLDER instead.")
  folder = pathlib.Path(spec.submodule_search_locations[0]) / "data"
  images = []
  for name, group in _PACKAGED:
    if not (folder / name).exists():
      raise FileNotFoundError(f"scikit-image has no {folder / name}: give --images=FOLDER instead.")
    images.append(SourceImage(name, str(folder / name), group))
  return tuple(images)


def _list(pattern):
  gfile = tf.io.gfile
  if pattern and gfile.isdir(pattern):
    root = pattern
    paths = _walk(pattern)
    empty = f"folder {pattern!r} holds no images ({', '.join(sorted(IMAGE_SUFFIXES))})."
  elif pattern and gfile.exists(pattern):
    root = posixpath.dirname(pattern)
    paths = (pattern,)
    empty = ""
  else:
    root = _fixed_part(pattern)
    paths = [path for path in gfile.glob(pattern) if not gfile.isdir(path)] if pattern else ()
    empty = f"no file or folder matches {pattern!r}."
  images = [SourceImage(_relative(path, root), path, _relative(path, root)) for path in paths]
  if not images:
    raise FileNotFoundError(empty)
  return tuple(sorted(images, key=lambda image: image.id))


def _walk(folder):
  for place, _, names in tf.io.gfile.walk(folder):
    inside = _relative(place, folder)
    if any(part.startswith(".") for part in inside.split("/") if part != "."):
      continue
    for name in names:
      if not name.startswith(".") and posixpath.splitext(name)[1].lower() in IMAGE_SUFFIXES:
        yield posixpath.join(place, name)


def _fixed_part(pattern):
  """Returns the folder of a glob above its first wildcard."""
  fixed = pattern
  while any(character in fixed for character in "*?["):
    fixed = posixpath.dirname(fixed)
  return fixed if fixed != pattern else posixpath.dirname(pattern)


def _relative(path, root):
  return posixpath.relpath(path, root) if root else posixpath.normpath(path)
