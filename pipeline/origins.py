"""Which records a training batch was made of: looked up anew, since batches do not carry it.

That costs a batch nothing, and a search a few seconds: the order of the stream depends on the run's
seed and the batch's place alone.
"""

import numpy as np
import tensorflow as tf

from deblock.pipeline import config as config_lib
from deblock.pipeline import leaving_out, pairs, seeds, source
from deblock.records import paths as paths_lib
from deblock.records.jpeg import sampling as jpeg_sampling
from deblock.records.layout import manifest as manifest_lib
from deblock.records.layout import schema


def keys(
  config: config_lib.InputConfig,
  manifest: manifest_lib.Manifest,
  seed: int,
  place: int,
  *,
  batch_size: int | None = None,
  host: int = 0,
  hosts: int = 1,
) -> list[str]:
  """Returns the key of the record that each crop of a batch was cut from, in the batch's order.

  Args:
    config: what `dataset.training_dataset` makes, without a data service.
    manifest: of the records.
    seed: of the run.
    place: of the batch in this host's stream, from 0.
    batch_size: crops in each batch of the stream; None is `config.batch_size`.
    host: as in `dataset.training_dataset`.
    hosts: as in `dataset.training_dataset`.
  Raises:
    ValueError: if a data service makes the batches, in an order that it does not tell.
  """
  if config.data_service:
    raise ValueError("the order in which a data service makes batches is not known.")
  batch_size = config.batch_size if batch_size is None else batch_size
  paths = tuple(map(paths_lib.absolute, manifest.shard_paths("train")))[host::hosts]
  counts = tuple(shard.count for shard in manifest.splits["train"] if shard.count)[host::hosts]
  shards = leaving_out.usable(config, manifest.clean_encoding, manifest.folder, paths, counts)
  if config.sampling == "pairs":
    return _of_pairs(config, manifest, shards, seed, place, batch_size)
  return _of_crops(config, manifest, shards, seed, place, batch_size)


def _of_crops(config, manifest, shards, seed, place, batch_size):
  crops = config.crops_per_tile * config.mixed_tiles
  window, into = divmod(place, crops // batch_size)
  order_seed = seeds.derive(seed, tf.constant(window, tf.int64), seeds.MIX)
  order = tf.random.experimental.stateless_shuffle(tf.range(crops), order_seed).numpy()
  tiles = source.tiles(shards, config.shuffled_tiles, seed, window * config.mixed_tiles)
  found = [
    _key(serialized, manifest.clean_encoding) for _, serialized in tiles.take(config.mixed_tiles)
  ]
  chosen = order[into * batch_size : (into + 1) * batch_size]
  return [found[crop // config.crops_per_tile] for crop in chosen]


def _of_pairs(config, manifest, shards, seed, place, batch_size):
  records, first_pairs, count = pairs.training_records(manifest, config.held_out_pairs, shards.read)
  owners = []
  for index, (serialized, first_pair) in enumerate(zip(records, first_pairs, strict=True)):
    height, width, _ = schema.parse(serialized, manifest.clean_encoding).clean.shape
    of_image = (height // jpeg_sampling.BLOCK) * (width // jpeg_sampling.BLOCK)
    owners.append(np.full(of_image - first_pair, index))
  stream = np.concatenate(owners)
  epoch, into = divmod(place * batch_size, count)

  @tf.autograph.experimental.do_not_convert
  def one_epoch(number):
    order_seed = seeds.derive(seed, number, seeds.ORDER)
    return source.shuffled(tf.data.Dataset.from_tensor_slices(stream), count, order_seed)

  # A batch may reach from one epoch into the next.
  epochs = tf.data.Dataset.range(epoch, tf.int64.max).flat_map(one_epoch)
  chosen = epochs.skip(into).take(batch_size).as_numpy_iterator()
  return [_key(records[index], manifest.clean_encoding) for index in chosen]


def _key(serialized, clean_encoding):
  return schema.parse(serialized, clean_encoding).key.numpy().decode()
