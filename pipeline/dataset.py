"""The stages in order, from records to training batches."""

from collections.abc import Callable, Sequence

import tensorflow as tf

from deblock.pipeline import (
  augment,
  batch,
  crop,
  damage,
  damage_config,
  degrade,
  distributions,
  leaving_out,
  mixing,
  pairs,
  placement,
  seeds,
  service,
  source,
)
from deblock.pipeline import config as config_lib
from deblock.records.layout import manifest as manifest_lib
from deblock.records.layout import schema

PREFETCHED_BATCHES = 2
WHOLE = "mix, batch, float"  # The name of the last stage in `prefixes`.


def training_dataset(
  config: config_lib.InputConfig,
  manifest: manifest_lib.Manifest,
  seed: int,
  *,
  batch_size: int | None = None,
  first_batch: int = 0,
  host: int = 0,
  hosts: int = 1,
  floats: bool = True,
) -> tf.data.Dataset:
  """Returns an endless dataset of `batch.Batch`, the same for any number of threads.

  With `config.data_service` the same batches come in another order (see `service`).

  Args:
    config: what to make.
    manifest: of the records.
    seed: of the run.
    batch_size: crops in each batch that this host makes; None is `config.batch_size`.
    first_batch: position in the stream to start at, in batches, for a run that resumes.
    host: index of this host among those that read the records.
    hosts: their number. Each reads every hosts-th shard and no other. A host whose shards hold
      fewer records starts its next epoch sooner and never waits, so its records are seen more
      often. Many shards per host keep that difference small.
    floats: whether images are float32 in [0, 1]. Otherwise they are uint8, for a step that begins
      with `batch.to_float`: the values are the same, and batches are a quarter as large.
  Raises:
    ValueError: if there are no training records, fewer shards than hosts, a quality that is not
      stored, or a batch size that does not divide the crops that are shuffled together; for pairs
      of tiles or on several hosts; with on_bad_record=skip, if too many records are bad.
    ConnectionError: if nothing answers at the address of `config.data_service`.
  """
  batch_size = config.batch_size if batch_size is None else batch_size
  _check_qualities(config, manifest)
  if config.sampling == "pairs" and hosts > 1:
    raise ValueError(f"sampling=pairs is for one host, which holds all images, got {hosts}.")
  shards = leaving_out.good_shards(config, manifest, host, hosts)
  if config.sampling == "pairs":
    batches = pairs.batches(config, manifest, shards.read, seed, batch_size, first_batch)
  else:
    batches = _crop_batches(config, manifest.clean_encoding, shards, seed, batch_size, first_batch)
  if config.data_service:
    batches = service.distributed(batches, config.data_service)
  if floats:
    # Cast last: until then a quarter of the bytes is moved.
    batches = batches.map(
      tf.autograph.experimental.do_not_convert(batch.to_float),
      num_parallel_calls=tf.data.AUTOTUNE,
      deterministic=True,
    )
  return batches.prefetch(PREFETCHED_BATCHES)


def prefixes(
  config: config_lib.InputConfig, manifest: manifest_lib.Manifest, seed: int
) -> dict[str, tf.data.Dataset]:
  """Returns the training dataset up to each of its stages, by the stage's name, to measure them.

  An element of the last one, the whole dataset, is a batch; an element of any other is a tile, of
  `config.crops_per_tile` crops. With sampling=pairs and with a data service, whose workers run the
  stages, there is only the whole.

  Raises:
    ValueError: as `training_dataset`.
  """
  whole = {WHOLE: training_dataset(config, manifest, seed)}
  if config.sampling == "pairs" or config.data_service:
    return whole
  shards = leaving_out.good_shards(config, manifest)
  records = source.tiles(shards, config.shuffled_tiles, seed, 0)
  stages = _stages(config, manifest.clean_encoding, seed)
  mapped = {
    name: records.map(
      _composed(list(stages.values())[:count]),
      num_parallel_calls=tf.data.AUTOTUNE,
      deterministic=True,
    )
    for count, name in enumerate(stages, start=1)
  }
  return {"read": records, **mapped, **whole}


def crops_per_epoch(config: config_lib.InputConfig, manifest: manifest_lib.Manifest) -> int:
  """Returns the number of crops that are cut while every training record is seen once.

  Skipped bad records are counted too: finding them takes a pass over all records.
  """
  if config.sampling == "pairs":
    return pairs.training_records(manifest, config.held_out_pairs)[-1]
  return manifest.count("train") * config.crops_per_tile


def _check_qualities(config, manifest):
  wanted, stored = set(config.qualities), set(manifest.qualities)
  if manifest.draws_qualities and wanted and wanted != stored:
    raise ValueError(
      f"qualities {sorted(wanted)} cannot be chosen from {manifest.folder}, whose tiles hold "
      f"{manifest.settings['qualities_per_tile']} of {len(stored)} qualities drawn at random: "
      "leave qualities empty."
    )
  missing = sorted(wanted - stored)
  if missing:
    raise ValueError(
      f"qualities {missing} are not stored in {manifest.folder}, which holds "
      f"{sorted(manifest.qualities)}."
    )


def _crop_batches(config, clean_encoding, shards, seed, batch_size, first_batch):
  window = mixing.Window(config.crops_per_tile, config.mixed_tiles, batch_size)
  first_tile = window.first_tile(first_batch)
  crops_of = _composed(list(_stages(config, clean_encoding, seed).values()))

  # AutoGraph has nothing to convert here, and takes two seconds to find that out.
  @tf.autograph.experimental.do_not_convert
  def numbered(index, serialized):
    return index, crops_of(index, serialized)

  # The order of tiles is settled while they are compressed, so that entering the stream in the
  # middle decodes nothing that it skips.
  if config.data_service:
    tiles = source.stretches(
      shards, config.shuffled_tiles, seed, first_tile, window=config.mixed_tiles
    )
  else:
    tiles = source.tiles(shards, config.shuffled_tiles, seed, first_tile)
  tiles = tiles.map(numbered, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
  return mixing.batches(tiles, window, config.crop_size, seed, first_batch)


def _stages(config, clean_encoding, seed) -> dict[str, Callable]:
  """Returns what happens to a tile, by the stage's name, in order.

  A stage is a function of the tile's index in the stream and of the value of the stage before; the
  first one gets the serialised record, the last one returns a Batch of uint8 crops.
  """
  if config.degradation == "online":
    return _online_stages(config, clean_encoding, seed)
  return _stored_stages(config, clean_encoding, seed)


def _stored_stages(config, clean_encoding, seed):
  def decode(index, serialized):
    element = schema.parse(serialized, clean_encoding)
    stream, quality = degrade.choose_stored(
      element.compressed,
      element.qualities,
      config.qualities,
      seeds.derive(seed, index, seeds.QUALITY),
    )
    decoded = degrade.decode_stored(stream, element.clean)
    images = tuple(placement.whole_units(image, config) for image in (decoded, element.clean))
    return images, quality

  def turn_and_cut(index, value):
    images, quality = value
    tables = degrade.tables_of(quality)
    if config.augment:
      symmetry = augment.random_symmetry(seeds.derive(seed, index, seeds.SYMMETRY))
      images = tuple(augment.turned(image, symmetry) for image in images)
      tables = augment.turned_tables(tables, symmetry)
    compressed, clean = _cut(images, config, seed, index)
    made = batch.of_one_jpeg(compressed, clean, quality, tables)
    return damage.some_unharmed(made, config, seed, index)

  return {"parse, decode": decode, "turn, cut": turn_and_cut}


def _online_stages(config, clean_encoding, seed):
  def parse(index, serialized):
    del index
    return placement.whole_units(schema.parse(serialized, clean_encoding).clean, config)

  # Turned before it is compressed: a JPEG does not quantise its rows and columns alike.
  def turn(index, clean):
    if not config.augment:
      return clean
    symmetry = augment.random_symmetry(seeds.derive(seed, index, seeds.SYMMETRY))
    return augment.turned(clean, symmetry)

  def cut(index, clean):
    return _cut((clean,), config, seed, index)[0]

  def compress(index, crops):
    chances = distributions.of_qualities(config.online_qualities)
    quality_seed = seeds.derive(seed, index, seeds.QUALITY)
    quality = distributions.draw(chances, config.crops_per_tile, quality_seed)
    tables = degrade.tables_of(quality)
    compressed = degrade.compress(crops, quality, tables, config.jpeg)
    return batch.Batch(compressed, crops, quality, tables)

  def damaged(index, clean):
    return damage.random_crops(clean, config, seed, index)

  if damage_config.is_any(config):
    return {"parse": parse, "turn": turn, "cut, compress": damaged}
  return {
    "parse": parse,
    "turn, cut": lambda index, clean: cut(index, turn(index, clean)),
    "compress": compress,
  }


def _composed(stages: Sequence[Callable]) -> Callable:
  """Returns the stages as one function of index and record, whose crops are held (`mixing`)."""

  @tf.autograph.experimental.do_not_convert
  def composed(index, value):
    for stage in stages:
      value = stage(index, value)
    if isinstance(value, batch.Batch):
      compressed, clean = mixing.hold(value.compressed), mixing.hold(value.clean)
      return value._replace(compressed=compressed, clean=clean)
    return mixing.hold(value) if isinstance(value, list) else value

  return composed


def _cut(images, config, seed, index):
  """Returns the same random crops of each image, uint8 [crops_per_tile, P, P, 3] or apart."""
  height, width = tf.unstack(tf.shape(images[0])[:2])
  offsets = placement.offsets(config, height, width, seed, index)
  on_grid = not config.misaligned_share
  return tuple(crop.cut_apart(image, offsets, config.crop_size, on_grid) for image in images)
