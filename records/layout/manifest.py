"""The table of contents of a folder of records. It is written last: then the folder is complete."""

from collections.abc import Mapping
import dataclasses
import itertools
import json
import os
import posixpath
import re
import shlex
from typing import Annotated, Any, NamedTuple

from deblock.records import json_text, typed_values
from deblock.records.layout import files, schema, triple

NAME = "manifest.json"
MOST_BYTES = 2**30  # A million images take 0.4 GB.
MOST_RECORDS = 2**24  # Of a shard: reading it may take a byte for each.
_MOST_PIXELS = 2**16  # A side.
_APPENDED = re.compile(r"deblock-[a-z]+_(\d+)\.tfrecord-")
_RECORD_BYTES = 16  # Length and checksums of an empty one, in TFRecord's format.


@dataclasses.dataclass(frozen=True)
class ShardEntry:
  """One shard: its file name, number of records, and size on disk."""

  file: typed_values.BaseName
  count: Annotated[int, typed_values.within(0, MOST_RECORDS)]
  size_bytes: typed_values.Count


@dataclasses.dataclass(frozen=True)
class ImageEntry:
  """One image that was used.

  Attributes:
    id: its name in its source.
    path: where it was read.
    group: images of one group are in one split.
    split: "train", "val" or "test".
    tiles: number of its records.
    height: in pixels, of the image that tiles were cut from.
    width: in pixels, of that image.
    format: of the file, "PNG", "JPEG" and so on; "" if the image was not a file.
    digest: `hashing.content_hash` of its pixels.
    hash: its perceptual hash in hexadecimal; "" if there is none.
  """

  id: str
  path: str
  group: str
  split: str
  tiles: typed_values.Count
  height: Annotated[int, typed_values.within(1, _MOST_PIXELS)]
  width: Annotated[int, typed_values.within(1, _MOST_PIXELS)]
  format: str = ""
  digest: str = ""
  hash: str = ""


@dataclasses.dataclass(frozen=True)
class SkippedEntry:
  """One image that could not be used, and why."""

  id: str
  path: str
  reason: str


@dataclasses.dataclass(frozen=True)
class CopyEntry:
  """One image that was left out because another image has the same pixels.

  Or it was appended, and is nearly the same as an image of another split: then `distance` is the
  number of bits in which their perceptual hashes differ, which is else -1.
  """

  id: str
  of: str
  distance: Annotated[int, typed_values.within(-1, 64)] = -1


@dataclasses.dataclass(frozen=True)
class NearEntry:
  """One image that was moved to an earlier split, since an image there is nearly the same.

  `distance` is the number of bits in which their perceptual hashes differ.
  """

  id: str
  of: str
  distance: Annotated[int, typed_values.within(0, 64)]


@dataclasses.dataclass(frozen=True)
class _Settings:
  """Those settings of the records that readers use. Manifests of older versions may lack some."""

  images: str = ""
  source: str = ""
  tfds_split: str = ""
  tfds_feature: str = ""
  tfds_dir: str = ""
  qualities: Annotated[
    tuple[Annotated[int, typed_values.within(1, 100)], ...],
    typed_values.Rule(bool, "a list of qualities"),
  ] = (25,)
  qualities_per_tile: Annotated[int, typed_values.within(0, 100)] = 0
  tile_size: Annotated[int, typed_values.within(0, _MOST_PIXELS)] = 0
  clean_encoding: Annotated[str, typed_values.one_of(*triple.CLEAN_ENCODINGS)] = "raw"
  jpeg_downscale: Annotated[float, typed_values.within(1.0, 16.0)] = 1.0


class _WithSettings(NamedTuple):
  """Where they stand."""

  settings: _Settings


@dataclasses.dataclass(frozen=True)
class _Content:
  """What the file holds."""

  schema_version: int
  settings: dict[str, Any]
  splits: dict[str, tuple[ShardEntry, ...]]
  images: tuple[ImageEntry, ...]
  skipped: tuple[SkippedEntry, ...]
  copies: tuple[CopyEntry, ...]
  near: tuple[NearEntry, ...]


@dataclasses.dataclass(frozen=True)
class Manifest:
  """The content of a folder of records.

  Attributes:
    settings: the values of RecordsConfig that decide the records' bytes.
    splits: from split to shards, in the order of their indices; appended ones come last.
    images: images that were used, sorted by id.
    skipped: images that were unusable, sorted by id.
    copies: images that were left out as duplicates, sorted by id.
    near: images that were moved to an earlier split as near-duplicates, sorted by id.
    schema_version: of the format of the records.
    folder: where it was loaded from or written to; not stored.
  """

  settings: Mapping[str, Any]
  splits: Mapping[str, tuple[ShardEntry, ...]]
  images: tuple[ImageEntry, ...]
  skipped: tuple[SkippedEntry, ...]
  copies: tuple[CopyEntry, ...] = ()
  near: tuple[NearEntry, ...] = ()
  schema_version: int = schema.VERSION
  folder: str = dataclasses.field(default="", compare=False)

  @property
  def qualities(self) -> tuple[int, ...]:
    """The stored JPEG qualities; each tile has some of them if `draws_qualities`."""
    return tuple(self.settings["qualities"])

  @property
  def draws_qualities(self) -> bool:
    """Whether a tile holds only some of the qualities, drawn at random."""
    return 0 < self.settings["qualities_per_tile"] < len(self.qualities)

  @property
  def clean_encoding(self) -> str:
    """How clean tiles are stored, for `schema.parse`."""
    return self.settings["clean_encoding"]

  @property
  def appends(self) -> int:
    """How often images were appended."""
    files = (entry.file for entries in self.splits.values() for entry in entries)
    return max(map(append_of, files), default=0)

  def count(self, split: str) -> int:
    """Returns the number of records of a split.

    Raises:
      ValueError: if there is no such split.
    """
    return sum(shard.count for shard in self.filled_shards(split))

  def filled_shards(self, split: str) -> tuple[ShardEntry, ...]:
    """Returns the shards of a split that hold records, in order.

    Raises:
      ValueError: if there is no such split.
    """
    if split not in self.splits:
      names = ", ".join(self.splits)
      raise ValueError(f"{self.folder or 'the manifest'} has no split {split!r}; it has {names}.")
    return tuple(shard for shard in self.splits[split] if shard.count)

  def shard_paths(self, split: str) -> tuple[str, ...]:
    """Returns the paths of `filled_shards`."""
    return tuple(posixpath.join(self.folder, shard.file) for shard in self.filled_shards(split))


def append_of(name: str) -> int:
  """Returns which append a shard of that file name belongs to, from 1; 0 for any other file."""
  found = _APPENDED.match(name)
  return int(found[1]) if found else 0


def save(folder: str, manifest: Manifest) -> None:
  """Writes `manifest.json` into a folder.

  Raises:
    OSError: if the folder cannot be written.
  """
  content = {
    "schema_version": manifest.schema_version,
    "settings": dict(manifest.settings),
    "splits": {
      split: [dataclasses.asdict(shard) for shard in shards]
      for split, shards in manifest.splits.items()
    },
    "images": [dataclasses.asdict(image) for image in manifest.images],
    "skipped": [dataclasses.asdict(image) for image in manifest.skipped],
    "copies": [dataclasses.asdict(image) for image in manifest.copies],
    "near": [dataclasses.asdict(image) for image in manifest.near],
  }
  files.write_text(posixpath.join(folder, NAME), json.dumps(content, indent=1) + "\n")


def save_for_tfds(folder: str, manifest: Manifest) -> None:
  """Writes the `dataset_info.json` and `features.json` that `tfds.builder_from_directory` reads.

  TFDS names the shards of a split by their number, so appended ones are splits of their own, such
  as train_1.
  """
  # Imported here because it takes seconds, and reading records does not need it.
  import tensorflow_datasets as tfds

  infos = [
    tfds.core.SplitInfo(
      name=split,
      shard_lengths=[entry.count for entry in shards],
      num_bytes=sum(entry.size_bytes for entry in shards),
      filename_template=tfds.core.ShardedFileTemplate(
        data_dir=folder, dataset_name="deblock", split=split, filetype_suffix="tfrecord"
      ),
    )
    for split, shards in _by_file_name(manifest).items()
  ]
  tfds.folder_dataset.write_metadata(
    data_dir=folder,
    features=schema.tfds_features(manifest.clean_encoding),
    split_infos=infos,
    version=f"{schema.VERSION}.0.0",
    check_data=False,
    description="Clean image tiles and their JPEG streams.",
  )


def _by_file_name(manifest):
  """Returns the shards by what their file names call their split."""
  splits: dict[str, list[ShardEntry]] = {}
  for entry in itertools.chain(*manifest.splits.values()):
    name = entry.file.removeprefix("deblock-").partition(".")[0]
    splits.setdefault(name, []).append(entry)
  return splits


def load(folder: str | os.PathLike, *, damaged: bool = False) -> Manifest:
  """Returns the manifest of a folder, after checking that its shards are there and whole.

  Only sizes are compared; `inspection.problems` reads every record.

  Args:
    folder: of the records.
    damaged: whether shards of another size are accepted, for callers that handle bad records.
  Raises:
    FileNotFoundError: if the folder has no manifest.
    ValueError: if the manifest cannot be read, has another schema version, or holds what no
      manifest can; or if a shard is missing, has another size or cannot hold its records.
  """
  folder = os.fspath(folder)
  path = posixpath.join(folder, NAME)
  try:
    values = json_text.parse(files.read_bytes(path, MOST_BYTES), path, MOST_BYTES)
    version = values.get("schema_version") if isinstance(values, dict) else None
    if type(version) is int and version != schema.VERSION:
      raise ValueError(
        f"{path} has schema version {version}, this program reads version {schema.VERSION}; "
        "write the records again."
      )
    content = typed_values.build(_Content, values, path)
    known = {field.name for field in dataclasses.fields(_Settings)} & content.settings.keys()
    used = {name: content.settings[name] for name in known}
    typed_values.build(_WithSettings, {"settings": used}, path)
  except (FileNotFoundError, NotADirectoryError):
    raise FileNotFoundError(
      f"{folder} has no {NAME}: it holds no records or their writing was interrupted; run "
      f"deblock-records --records={shlex.quote(str(folder))} again to finish it."
    ) from None
  names = set()
  for shards in content.splits.values():
    for shard in shards:
      if shard.file in names:
        raise ValueError(f"{path}: the shard {json_text.quoted(shard.file)} is listed twice.")
      names.add(shard.file)
      _check_shard(posixpath.join(folder, shard.file), shard, damaged)
  return Manifest(
    settings=content.settings,
    splits=content.splits,
    images=content.images,
    skipped=content.skipped,
    copies=content.copies,
    near=content.near,
    folder=folder,
  )


def _check_shard(path, shard, damaged):
  if shard.count * _RECORD_BYTES > shard.size_bytes:
    raise ValueError(
      f"{path}: {shard.size_bytes} bytes cannot hold the {shard.count} records that {NAME} lists."
    )
  size = files.size_bytes(path)
  if size < 0:
    raise ValueError(f"{path} is missing, though {NAME} lists it.")
  if size != shard.size_bytes and not damaged:
    raise ValueError(
      f"{path} is truncated or replaced: it has {size} bytes, {NAME} says {shard.size_bytes}."
    )
