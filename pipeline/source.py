"""Records on disk to parsed tiles."""

from collections.abc import Callable, Sequence
import dataclasses

import tensorflow as tf

from deblock.pipeline import seeds

READ_SHARDS = 4  # Shards that are read alternately, so that neighbours in a batch differ in origin.


def whole_shard(index, path):
  """Returns a dataset of all records of a shard; `read` of the functions below, if none is given.

  Args:
    index: int32 scalar tensor, place of the shard among those that are read.
    path: string scalar tensor.
  """
  del index
  return tf.data.TFRecordDataset(path)


Reader = Callable[[tf.Tensor, tf.Tensor], tf.data.Dataset]


@dataclasses.dataclass(frozen=True)
class Shards:
  """What is read.

  Attributes:
    paths: files.
    count: records that `read` gives of all of them.
    read: function of index and path of a shard to a dataset of its records.
  """

  paths: Sequence[str]
  count: int
  read: Reader = whole_shard


def endless_records(shards, shuffled_tiles, seed, first):
  """Returns a dataset of epoch after epoch of records, as `training_records` orders each.

  Args:
    shards: Shards.
    shuffled_tiles: size of the buffer, in records.
    seed: int, of the run.
    first: position in the stream to start at, in records.
  """
  epoch, passed = divmod(first, shards.count)

  def one_epoch(number):
    return training_records(shards.paths, shuffled_tiles, seed, number, shards.read)

  return tf.data.Dataset.range(epoch, tf.int64.max).flat_map(one_epoch).skip(passed)


def training_records(shard_paths, shuffled_tiles, seed, epoch, read=whole_shard):
  """Returns a dataset of the serialised records of one epoch, in an order of its own.

  Shards are permuted, read alternately, and their records shuffled within a buffer; the order
  depends on `seed` and `epoch` alone.

  Args:
    shard_paths: list of files.
    shuffled_tiles: size of the buffer, in records.
    seed: int, of the run.
    epoch: int64 scalar tensor.
    read: as in `Shards`.
  """
  order_seed = seeds.derive(seed, epoch, seeds.ORDER)
  order = tf.random.experimental.stateless_shuffle(tf.range(len(shard_paths)), order_seed)
  paths = tf.gather(tf.constant(shard_paths), order)
  dataset = tf.data.Dataset.from_tensor_slices((order, paths)).interleave(
    read, cycle_length=READ_SHARDS
  )
  return shuffled(dataset, shuffled_tiles, order_seed)


def shuffled(dataset, size, seed):
  """Returns a dataset whose elements are shuffled within each run of `size` of them.

  `Dataset.shuffle` takes no tensor as its seed, and so cannot give each epoch an order that can be
  entered without having passed through the epochs before.

  Args:
    dataset: of tensors or tuples of tensors, each of one shape.
    size: number of elements that are held at a time.
    seed: int64 [2], tensor.
  """

  def mix(index, stack):
    run_seed = tf.random.fold_in(seed, index)
    count = tf.shape(tf.nest.flatten(stack)[0])[0]
    order = tf.random.experimental.stateless_shuffle(tf.range(count), run_seed)
    return tf.nest.map_structure(lambda tensor: tf.gather(tensor, order), stack)

  return dataset.batch(size).enumerate().map(mix).unbatch()


def stored_records(shard_paths, read=whole_shard):
  """Returns a dataset of all serialised records, in the order in which they are stored."""
  paths = tf.constant(shard_paths, tf.string, (len(shard_paths),))
  return tf.data.Dataset.from_tensor_slices((tf.range(len(shard_paths)), paths)).flat_map(read)
