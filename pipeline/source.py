"""Records on disk to the stream of training tiles, still compressed.

The stream is endless. Each epoch holds every record once, in an order that depends on the seed of
the run and the number of the epoch only. It can be entered at any tile, and then reads at most one
group of shards in vain.
"""

from collections.abc import Callable
import dataclasses
import math

import tensorflow as tf

from deblock.pipeline import seeds

READ_SHARDS = 4  # Shards read alternately, so that neighbours in a batch differ in origin.

Reader = Callable[[tf.Tensor, tf.Tensor], tf.data.Dataset]


def whole_shard(index, path):
  """Returns a dataset of all records of a shard; the default `read` of `Shards`.

  Args:
    index: int32 scalar tensor, of the shard among `Shards.paths`.
    path: string scalar tensor.
  """
  del index
  return tf.data.TFRecordDataset(path)


@dataclasses.dataclass(frozen=True)
class Shards:
  """The shards to read.

  Attributes:
    paths: files.
    counts: number of records that `read` returns for each; a shard with 0 is not opened.
    read: function of index and path of a shard to a dataset of its records.
  """

  paths: tuple[str, ...]
  counts: tuple[int, ...]
  read: Reader = whole_shard

  @property
  def count(self) -> int:
    """The number of records of all of them."""
    return sum(self.counts)

  @property
  def filled(self) -> list[int]:
    """The indices of the shards with records."""
    return [index for index, count in enumerate(self.counts) if count]


def tiles(shards: Shards, shuffled_tiles: int, seed: int, first) -> tf.data.Dataset:
  """Returns the endless stream of tiles from a place on.

  Args:
    shards: to read.
    shuffled_tiles: size of the shuffle buffer, in records.
    seed: of the run.
    first: index of the first tile, int or int64 scalar tensor.
  Returns:
    A dataset of the tile's index in the stream, int64, and its serialised record.
  """
  first = tf.cast(first, tf.int64)
  epoch, entered = first // shards.count, first % shards.count

  @tf.autograph.experimental.do_not_convert
  def one_epoch(number):
    first_record = tf.where(number == epoch, entered, 0)
    return training_records(shards, shuffled_tiles, seed, number, first_record)

  return tf.data.Dataset.range(epoch, tf.int64.max).flat_map(one_epoch).enumerate(first)


def stretches(
  shards: Shards, shuffled_tiles: int, seed: int, first: int, window: int
) -> tf.data.Dataset:
  """Returns the tiles of `tiles`, in stretches that a data service hands to its workers.

  A stretch is about as long as a group of shards, since entering the stream may read half of such a
  group in vain.

  Args:
    shards: as in `tiles`.
    shuffled_tiles: as in `tiles`.
    seed: as in `tiles`.
    first: index of the first tile.
    window: number of tiles that stay together: a stretch is a multiple of it.
  """
  group = READ_SHARDS * shards.count / len(shards.filled)
  length = window * math.ceil(group / window)

  @tf.autograph.experimental.do_not_convert
  def stretch(number):
    return tiles(shards, shuffled_tiles, seed, first + number * length).take(length)

  return tf.data.Dataset.range((tf.int64.max - first) // length).flat_map(stretch)


def training_records(shards: Shards, shuffled_tiles, seed, epoch, first_record=0):
  """Returns a dataset of the serialised records of one epoch, in the epoch's own order.

  Shards are permuted and taken in groups. The shards of a group are read alternately, and records
  are shuffled within a buffer. The order depends on `seed` and `epoch` only.

  Args:
    shards: to read.
    shuffled_tiles: size of the buffer, in records.
    seed: int, of the run.
    epoch: int64 scalar tensor.
    first_record: int, or int64 scalar tensor, the number of records to skip. Groups of shards
      before it are not opened.
  """
  order_seed = seeds.derive(seed, epoch, seeds.ORDER)
  groups = _groups(shards, order_seed)
  counts = tf.gather(tf.constant((*shards.counts, 0), tf.int64), groups)
  # Records are shuffled in runs, so the entered run is read from its start.
  first_record = tf.cast(first_record, tf.int64)
  run, into_run = first_record // shuffled_tiles, first_record % shuffled_tiles
  first_read = run * shuffled_tiles
  ends = tf.cumsum(tf.reduce_sum(counts, axis=1))
  passed = tf.searchsorted(ends, first_read[tf.newaxis], side="right", out_type=tf.int64)[0]
  start = tf.reduce_sum(counts[:passed])

  @tf.autograph.experimental.do_not_convert
  def read_alternately(group):
    present = tf.boolean_mask(group, group < len(shards.paths))
    paths = tf.gather(tf.constant(shards.paths), present)
    return tf.data.Dataset.from_tensor_slices((present, paths)).interleave(
      tf.autograph.experimental.do_not_convert(shards.read), cycle_length=READ_SHARDS
    )

  dataset = tf.data.Dataset.from_tensor_slices(groups[passed:]).flat_map(read_alternately)
  return shuffled(dataset.skip(first_read - start), shuffled_tiles, order_seed, run).skip(into_run)


def shuffled(dataset, size, seed, first_run=0):
  """Returns a dataset whose elements are shuffled within each run of `size` of them.

  `Dataset.shuffle` takes no tensor as its seed, so an epoch's order could not be entered without
  running through the epochs before it.

  Args:
    dataset: of tensors or tuples of tensors, each of one shape.
    size: number of elements held at a time.
    seed: int64 [2], tensor.
    first_run: int, or int64 scalar tensor, the number of runs that come before this dataset.
  """

  @tf.autograph.experimental.do_not_convert
  def mix(index, stack):
    run_seed = tf.random.fold_in(seed, index)
    count = tf.shape(tf.nest.flatten(stack)[0])[0]
    order = tf.random.experimental.stateless_shuffle(tf.range(count), run_seed)
    return tf.nest.map_structure(lambda tensor: tf.gather(tensor, order), stack)

  return dataset.batch(size).enumerate(first_run).map(mix).unbatch()


def stored_records(shard_paths, read=whole_shard):
  """Returns a dataset of all serialised records, in stored order."""
  paths = tf.constant(shard_paths, tf.string, (len(shard_paths),))
  return tf.data.Dataset.from_tensor_slices((tf.range(len(shard_paths)), paths)).flat_map(read)


def _groups(shards, order_seed):
  """Returns the indices of the shards to read, int32 [N, READ_SHARDS], padded past the last."""
  filled = tf.constant(shards.filled, tf.int32)
  order = tf.random.experimental.stateless_shuffle(filled, order_seed)
  missing = -filled.shape[0] % READ_SHARDS
  padded = tf.pad(order, [[0, missing]], constant_values=len(shards.paths))
  return tf.reshape(padded, [-1, READ_SHARDS])
