"""The records that a training batch was cut from, looked up afterwards.

Batches do not carry their records, so that they cost nothing. A lookup takes seconds: the order of
the stream depends on the run's seed and the batch's place only.
"""

import tensorflow as tf

from deblock.pipeline import config as config_lib
from deblock.pipeline import leaving_out, mixing, pairs, source
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
    ValueError: if a data service makes the batches: their order is unknown.
  """
  if config.data_service:
    raise ValueError("the order in which a data service makes batches is not known.")
  batch_size = config.batch_size if batch_size is None else batch_size
  shards = leaving_out.good_shards(config, manifest, host, hosts)
  if config.sampling == "pairs":
    return pairs.keys(config, manifest, shards.read, seed, batch_size, place)
  window = mixing.Window(config.crops_per_tile, config.mixed_tiles, batch_size)
  number, into = window.place(place)
  order = window.order(seed, tf.constant(number, tf.int64)).numpy()
  tiles = source.tiles(shards, config.shuffled_tiles, seed, window.first_tile(place))
  found = [
    schema.parse(serialized, manifest.clean_encoding).key.numpy().decode()
    for _, serialized in tiles.take(config.mixed_tiles)
  ]
  chosen = order[into * batch_size : (into + 1) * batch_size]
  return [found[crop // config.crops_per_tile] for crop in chosen]
