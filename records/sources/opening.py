"""Where clean images come from, behind one interface: files, known sets, TFDS and drawn images."""

from collections.abc import Callable, Iterator, Sequence
import dataclasses
import itertools
import os
import pathlib
from typing import Any, Protocol

from deblock.records import paths
from deblock.records.layout import files
from deblock.records.photos import reading
from deblock.records.sources import graphics, kodak, listing, packaged, source_image
from deblock.records.sources import tfds as tfds_source

# "tfds:NAME" is the third kind.
NAMES = ("graphics", "kodak", "packaged")
TFDS_PREFIX = "tfds:"


class Source(Protocol):
  """A set of clean images. A source has plain values only, so that workers can unpickle it."""

  def list(self) -> tuple[source_image.SourceImage, ...]:
    """Returns every image, without reading one.

    Raises:
      FileNotFoundError: if there are none.
      ValueError: if the source lacks the data set, split or feature.
    """

  def read(
    self, wanted: Sequence[source_image.SourceImage]
  ) -> Iterator[tuple[source_image.SourceImage, reading.Picture | reading.ImageError]]:
    """Yields each image with its pixels, or why it has none, in the order given.

    Args:
      wanted: from `list`; neighbours of one chunk are read together.
    """


@dataclasses.dataclass(frozen=True)
class FileSource:
  """Images that are files, read one by one.

  Attributes:
    find: a function of a module, such as `listing.from_pattern`, that returns the images; `tuple`
      if they are known.
    arguments: of `find`.
  """

  find: Callable[..., tuple[source_image.SourceImage, ...]]
  arguments: tuple[Any, ...] = ()

  def list(self) -> tuple[source_image.SourceImage, ...]:
    """Returns the images of `find`, and raises its errors."""
    return self.find(*self.arguments)

  def read(
    self, wanted: Sequence[source_image.SourceImage]
  ) -> Iterator[tuple[source_image.SourceImage, reading.Picture | reading.ImageError]]:
    """Yields each image with its pixels, or why it has none, in the order given."""
    for image in wanted:
      try:
        yield image, reading.decode_picture(_read_bytes(image.path), image.path)
      except reading.ImageError as error:
        yield image, error


@dataclasses.dataclass(frozen=True)
class MixedSource:
  """The images of a source, and drawn images after them.

  Attributes:
    first: the source.
    drawn: the drawn images.
  """

  first: Source
  drawn: graphics.GraphicsSource

  def list(self) -> tuple[source_image.SourceImage, ...]:
    """Returns the images of both, and raises the errors of the first one."""
    return (*self.first.list(), *self.drawn.list())

  def read(
    self, wanted: Sequence[source_image.SourceImage]
  ) -> Iterator[tuple[source_image.SourceImage, reading.Picture | reading.ImageError]]:
    """Yields each image with its pixels, or why it has none, in the order given."""
    for is_drawn, run in itertools.groupby(wanted, key=graphics.is_drawn):
      source: Source = self.drawn if is_drawn else self.first
      yield from source.read(tuple(run))


def _read_bytes(path):
  """Returns the bytes of an image file, on any file system that `listing` supports."""
  if not paths.is_remote(path):
    return reading.read_bytes(path)
  try:
    if (size_bytes := files.size_bytes(path)) > reading.MAX_BYTES:
      raise reading.FileTooLargeError(path, reading.too_large(size_bytes, reading.MAX_BYTES))
    return files.read_bytes(path)
  except reading.ImageError:
    raise
  except (OSError, UnicodeError) as error:
    raise reading.ImageError(path, f"cannot be read: {error}") from error


def open_source(
  images: str = "",
  source: str = "",
  tfds_split: str = "train",
  tfds_feature: str = "image",
  tfds_dir: str = "",
  graphics_count: int = 0,
  graphics_split: str = "train",
  graphics_side: int = 512,
  seed: int = 0,
  cache_dir: str | os.PathLike | None = None,
) -> Source:
  """Returns the source of the flags with these names, without touching a file.

  With a count of drawn images they come after those of `images` or `source`.

  Args:
    images: folder, glob or file of clean images, see `listing.from_pattern`.
    source: instead of images: "kodak", "tfds:NAME", "graphics", which needs a count, or "packaged",
      which is also the default.
    tfds_split: of the data set.
    tfds_feature: of the data set, see `tfds_source.TfdsSource`.
    tfds_dir: folder of TFDS's data sets; empty for its default.
    graphics_count: drawn images.
    graphics_split: "train" or "valid", which share no drawn image.
    graphics_side: of the drawn images, in pixels.
    seed: of the drawn images.
    cache_dir: folder for the Kodak images, in a folder kodak; by default ~/.cache/deblock.
  Raises:
    ValueError: if both images and a source are given, the source is unknown, or a value for drawn
      images is out of range.
  """
  if source == "graphics" and not images:
    return graphics.GraphicsSource(graphics_count, graphics_split, seed, graphics_side)
  first = _open_first(images, source, tfds_split, tfds_feature, tfds_dir, cache_dir)
  if not graphics_count:
    return first
  drawn = graphics.GraphicsSource(graphics_count, graphics_split, seed, graphics_side)
  return MixedSource(first, drawn)


def _open_first(images, source, tfds_split, tfds_feature, tfds_dir, cache_dir) -> Source:
  if images and source:
    raise ValueError(f"images and source exclude each other, got {images!r} and {source!r}.")
  if images:
    return FileSource(listing.from_pattern, (images,))
  if source in ("", "packaged"):
    return FileSource(packaged.packaged)
  if source == "kodak":
    cache = pathlib.Path.home() / ".cache" / "deblock" if cache_dir is None else cache_dir
    return FileSource(kodak.kodak, (str(pathlib.Path(cache) / "kodak"),))
  name = source.removeprefix(TFDS_PREFIX)
  if name == source or not name:
    raise ValueError(
      f"source must be one of {', '.join(NAMES)}, {TFDS_PREFIX}NAME, got {source!r}."
    )
  return tfds_source.TfdsSource(name, tfds_split, tfds_feature, tfds_dir)
