"""Clean images of a data set that TFDS has prepared, read in place."""

from collections.abc import Iterator, Sequence
import dataclasses
import difflib
import itertools
import os
import posixpath
from typing import Any

import numpy as np

from deblock.records import quiet
from deblock.records.photos import reading
from deblock.records.sources import source_image

CHUNK = 64

_CLOSE_NAMES = 5


@dataclasses.dataclass(frozen=True)
class TfdsSource:
  """The images of one feature of one split of a prepared data set. Nothing is downloaded.

  Attributes:
    name: as in TFDS, such as "div2k/bicubic_x4", with ":VERSION" if not the newest.
    split: such as "train"; a whole split, as an image's id has its position there.
    feature: with the images; "a/b" is b within a. Image features, or uint8 tensors [H, W, 1 or 3].
    data_dir: folder of TFDS's data sets; empty for its default.
  """

  name: str
  split: str
  feature: str
  data_dir: str = ""

  def list(self) -> tuple[source_image.SourceImage, ...]:
    """Returns the images in the order of the data set, without reading one.

    The id is "NAME/SPLIT/INDEX", as stable as the data set's version. 64 neighbours are a chunk.

    Raises:
      ValueError: naming the flag, if there is no such data set, split or feature, or if the data
        set is not prepared.
    """
    builder = self._open()
    # Fails now rather than at the first image.
    _find_feature(builder, self.feature)
    count = builder.info.splits[self.split].num_examples
    return tuple(self._image(index) for index in range(count))

  def read(
    self, wanted: Sequence[source_image.SourceImage]
  ) -> Iterator[tuple[source_image.SourceImage, reading.Picture | reading.ImageError]]:
    """Yields each image with its pixels, or why it has none, in the order given.

    Neighbours of one chunk are read at once, and other features are not decoded. A damaged image
    affects no other. A damaged file of the data set makes the rest of the chunk unreadable.
    TensorFlow operations run here: hide accelerators from processes that must not use them.

    Args:
      wanted: from `list`, in any order.
    Raises:
      ValueError: as `list`.
    """
    builder = self._open()
    is_encoded = _find_feature(builder, self.feature)
    for _, run in itertools.groupby(wanted, key=lambda image: image.chunk):
      yield from self._read_run(builder, is_encoded, tuple(run))

  def _image(self, index):
    id = f"{self.name}/{self.split}/{index:09d}"
    first = index - index % CHUNK
    chunk = f"{self.name}/{self.split}/{first:09d}+{CHUNK}"
    return source_image.SourceImage(id, f"tfds:{id}", group=id, chunk=chunk)

  def _open(self):
    folder = os.path.expanduser(self.data_dir)  # noqa: PTH111, pathlib would spoil gs://bucket
    builder = _open_builder(self.name, folder)
    if self.split not in builder.info.splits:
      raise ValueError(
        f"tfds_split must be one of {', '.join(builder.info.splits)}, the splits of {self.name}, "
        f"got {self.split!r}."
      )
    return builder

  def _read_run(self, builder, is_encoded, run):
    import tensorflow as tf  # Here, so that settings are checked without it.

    indices = [int(image.id.rpartition("/")[2]) for image in run]
    start = min(indices)
    values = enumerate(self._values(builder, is_encoded, start, max(indices) + 1), start)
    # Holds values that come before their turn; none if images are in order.
    held: dict[int, Any] = {}
    waiting = set(indices)
    failure = ""
    for image, index in zip(run, indices, strict=True):
      while index not in held and not failure:
        try:
          number, value = next(values)
        except StopIteration:
          failure = "cannot be read: the data set ends before it"
        except tf.errors.OpError as error:
          failure = f"cannot be read: {error.message}"
        else:
          if number in waiting:
            held[number] = value
      if index in held:
        yield image, _to_picture(held.pop(index), image.path, is_encoded)
      else:
        yield image, reading.ImageError(image.path, failure)

  def _values(self, builder, is_encoded, start, stop):
    """Yields the feature of the examples from start up to stop, in their order on disk."""
    import tensorflow_datasets as tfds

    keys = self.feature.split("/")
    wanted: Any = True
    decoders: Any = tfds.decode.SkipDecoding() if is_encoded else None
    for key in reversed(keys):
      wanted = {key: wanted}
      decoders = {key: decoders} if is_encoded else None
    with quiet.logger("absl"):
      dataset = builder.as_dataset(
        split=tfds.core.ReadInstruction(self.split, from_=start, to=stop, unit="abs"),
        shuffle_files=False,
        decoders=tfds.decode.PartialDecoding(wanted, decoders=decoders),
        # One file at a time; a cache would keep the whole data set in memory.
        read_config=tfds.ReadConfig(interleave_cycle_length=1, try_autocache=False),
      )
    for example in dataset.as_numpy_iterator():
      for key in keys:
        example = example[key]
      yield example


def _open_builder(name, data_dir):
  # Imported here because it takes seconds, and --help does not need it.
  with quiet.everything():
    import tensorflow_datasets as tfds
    from tensorflow_datasets.core import read_only_builder

  try:
    with quiet.logger("absl"):
      # Not tfds.builder, which uses the network if the data set is not prepared.
      return read_only_builder.builder_from_files(name, data_dir=data_dir or None)
  except tfds.core.DatasetNotFoundError as error:
    raise ValueError(f"source tfds:{name}: {_why_missing(name, data_dir)}") from error
  except ValueError as error:
    raise ValueError(f"source tfds:{name} cannot be opened: {error}") from error


def _why_missing(name, data_dir):
  import tensorflow_datasets as tfds

  folder = data_dir or tfds.core.constants.DATA_DIR
  prepared = _prepared(folder)
  there = f"{folder} holds {', '.join(prepared) if prepared else 'no data set'}."
  base = name.partition("/")[0].partition(":")[0]
  known = tfds.list_builders(with_community_datasets=False)
  if base in known or any(f"{each}/".startswith(f"{base}/") for each in prepared):
    return (
      f"it is not prepared: run `tfds build {name}`, or say with --tfds_dir where it is; {there}"
    )
  close = difflib.get_close_matches(base, known, _CLOSE_NAMES)
  similar = f" similar names are {', '.join(close)};" if close else ""
  return f"TFDS knows no such data set;{similar} {there}"


def _prepared(folder):
  """Returns the names, with their configurations, of the data sets of a folder."""
  import tensorflow as tf  # As above.

  found = (
    posixpath.relpath(path, folder).split("/")
    for depth in ("*/*", "*/*/*")
    for path in tf.io.gfile.glob(posixpath.join(folder, depth, "features.json"))
  )
  # The last folder is the version.
  return sorted({"/".join(parts[:-2]) for parts in found})


def _find_feature(builder, feature):
  """Returns whether a feature has encoded images rather than pixels."""
  every = dict(_features(builder.info.features))
  usable = {name: is_encoded for name, is_encoded in every.items() if is_encoded is not None}
  if feature in usable:
    return usable[feature]
  there = f"the images of {builder.info.full_name} are {', '.join(sorted(usable)) or 'none'}"
  if feature in every:
    raise ValueError(f"tfds_feature {feature!r} has no images of 8 or 16 bits; {there}.")
  raise ValueError(f"tfds_feature {feature!r} does not exist; {there}.")


def _features(features, prefix=""):
  """Yields each feature's name, and True for encoded images, False for pixels, None for others."""
  import tensorflow_datasets as tfds

  for name, feature in features.items():
    if isinstance(feature, tfds.features.FeaturesDict):
      yield from _features(feature, f"{prefix}{name}/")
    elif isinstance(feature, tfds.features.Image):
      # Float images are stored as bytes inside a PNG; four dimensions are a video.
      is_photograph = feature.dtype != np.float32 and len(feature.shape) == 3
      yield prefix + name, True if is_photograph else None
    else:
      is_pixels = (
        isinstance(feature, tfds.features.Tensor)
        and feature.dtype == np.uint8
        and len(feature.shape) == 3
        and feature.shape[-1] in (1, 3)
      )
      yield prefix + name, False if is_pixels else None


def _to_picture(value, name, is_encoded):
  if is_encoded:
    try:
      return reading.decode_picture(value, name)
    except reading.ImageError as error:
      return error
  if not value.size:
    return reading.ImageError(name, f"has no pixels: its shape is {list(value.shape)}")
  return reading.Picture(np.ascontiguousarray(np.broadcast_to(value, (*value.shape[:2], 3))), "")
