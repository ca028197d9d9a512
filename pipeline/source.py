"""Records on disk to parsed tiles."""

import tensorflow as tf

from deblock.pipeline import seeds

READ_SHARDS = 4  # Shards that are read alternately, so that neighbours in a batch differ in origin.


def training_records(shard_paths, shuffled_tiles, seed, epoch):
  """Returns a dataset of the serialised records of one epoch, in an order of its own.

  Shards are permuted, read alternately, and their records shuffled within a buffer; the order
  depends on `seed` and `epoch` alone.

  Args:
    shard_paths: list of files.
    shuffled_tiles: size of the buffer, in records.
    seed: int, of the run.
    epoch: int64 scalar tensor.
  """
  order_seed = seeds.derive(seed, epoch, seeds.ORDER)
  paths = tf.random.experimental.stateless_shuffle(tf.constant(shard_paths), order_seed)
  dataset = tf.data.Dataset.from_tensor_slices(paths).interleave(
    tf.data.TFRecordDataset, cycle_length=READ_SHARDS
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


def stored_records(shard_paths):
  """Returns a dataset of all serialised records, in the order in which they are stored."""
  return tf.data.TFRecordDataset(shard_paths)
