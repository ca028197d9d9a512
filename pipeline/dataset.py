"""The stages in order: records to training batches, and to the tiles that evaluation sees."""

from collections.abc import Sequence

import tensorflow as tf

from deblock.pipeline import (
  augment,
  batch,
  crop,
  damage,
  damage_config,
  degrade,
  leaving_out,
  mixing,
  pairs,
  pixels,
  placement,
  seeds,
  service,
  source,
)
from deblock.pipeline import config as config_lib
from deblock.pipeline import qualities as qualities_lib
from deblock.records import paths as paths_lib
from deblock.records.jpeg import tables as jpeg_tables
from deblock.records.layout import graph_codec, schema
from deblock.records.layout import manifest as manifest_lib

PREFETCHED_BATCHES = 2


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

  With `config.data_service` the same batches come in another order (`service`).

  Args:
    config: what to make.
    manifest: of the records.
    seed: of the run.
    batch_size: crops in each batch that this host makes; None is `config.batch_size`.
    first_batch: position in the stream to start at, in batches, for a run that goes on.
    host: index of this host among those that read the records.
    hosts: their number; each reads every hosts-th shard, and nothing else. A host whose shards hold
      fewer records than another's comes to its next epoch sooner, and never waits: its records are
      seen that much more often, which many shards to a host keep small.
    floats: whether images are float32 in [0, 1]; else they are the uint8 pixels, for a step that
      begins with `pixels.batch_to_float`: the values are the same, and batches a quarter as large.
  Raises:
    ValueError: if there are no training records, fewer shards than hosts, a quality that is not
      stored, a batch size that does not divide the crops that are shuffled together, or pairs are
      asked for of tiles or on several hosts; with on_bad_record=skip, if too many are bad.
    ConnectionError: if nothing answers at the address of `config.data_service`.
  """
  batch_size = config.batch_size if batch_size is None else batch_size
  paths, counts = _share(manifest, host, hosts)
  _check_qualities(config, manifest)
  if config.sampling == "pairs":
    if hosts > 1:
      raise ValueError(f"sampling=pairs is for one host, which holds all images, got {hosts}.")
    _check_whole_images(manifest)
  shards = leaving_out.usable(config, manifest.clean_encoding, manifest.folder, paths, counts)
  if config.sampling == "pairs":
    batches = _pair_batches(config, manifest, shards.read, seed, batch_size, first_batch)
    return _finish(batches, floats)
  batches = _crop_batches(config, manifest.clean_encoding, shards, seed, batch_size, first_batch)
  if config.data_service:
    batches = service.distributed(batches, config.data_service)
  return _finish(batches, floats)


def prefixes(
  config: config_lib.InputConfig, manifest: manifest_lib.Manifest, seed: int
) -> dict[str, tf.data.Dataset]:
  """Returns the training dataset up to each of its stages, by the stage's name, to measure them.

  All but the last give an element for each tile, of `config.crops_per_tile` crops; the last one is
  the whole, whose elements are batches. With sampling=pairs, and with a data service, whose
  workers make the stages, there is only the whole.

  Raises:
    ValueError: as `training_dataset`.
  """
  whole = {"mix, batch, float": training_dataset(config, manifest, seed)}
  if config.sampling == "pairs" or config.data_service:
    return whole
  paths, counts = _share(manifest, 0, 1)
  shards = leaving_out.usable(config, manifest.clean_encoding, manifest.folder, paths, counts)
  records = source.tiles(shards, config.shuffled_tiles, seed, 0)

  @tf.autograph.experimental.do_not_convert
  def parsed(index, serialized):
    element = schema.parse(serialized, manifest.clean_encoding)
    clean = placement.whole_units(element.clean, config)
    if config.degradation == "online":
      return (clean,)
    quality_seed = seeds.derive(seed, index, seeds.QUALITY)
    stream, _ = degrade.choose_stored(
      element.compressed, element.qualities, config.qualities, quality_seed
    )
    return placement.whole_units(degrade.decode_stored(stream, element.clean), config), clean

  @tf.autograph.experimental.do_not_convert
  def cut(index, serialized):
    symmetry_seed = seeds.derive(seed, index, seeds.SYMMETRY)
    images, _ = _augmented(config, parsed(index, serialized), _tables([50]), symmetry_seed)
    return tuple(map(mixing.hold, _cut(images, config, seed, index)))

  @tf.autograph.experimental.do_not_convert
  def compressed(index, serialized):
    return _random_crops(serialized, manifest.clean_encoding, config, seed, index)

  stages = {"parse": parsed, "turn, cut": cut, "compress": compressed}
  if config.degradation == "stored":
    stages = {"parse, decode": parsed, "turn, cut": cut}
  mapped = {
    name: records.map(stage, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    for name, stage in stages.items()
  }
  return {"read": records, **mapped, **whole}


def evaluation_tiles(
  config: config_lib.InputConfig, manifest: manifest_lib.Manifest, limit: int
) -> tf.data.Dataset:
  """Returns the tiles that a run is evaluated on while it trains: none of them is trained on.

  The first tiles of the test split, which a hash has put in random order; with `sampling="pairs"`
  the images all of whose pairs are held out.

  Args:
    config: of the run.
    manifest: of the records.
    limit: largest number of tiles.
  Returns:
    A dataset of clean uint8 [H, W, 3], compressed uint8 [N, H, W, 3] and qualities int32 [N].
  """
  if config.sampling == "pairs":
    dataset = _held_out_records(config, manifest)
  else:
    paths = manifest.shard_paths("test") if "test" in manifest.splits else []
    dataset = source.stored_records(paths)

  @tf.autograph.experimental.do_not_convert
  def decoded(serialized):
    return _decode_all(serialized, manifest.clean_encoding, config.qualities)

  return dataset.take(limit).map(decoded)


def held_out_images(
  config: config_lib.InputConfig, manifest: manifest_lib.Manifest
) -> frozenset[str]:
  """Returns the identities of the images of which a run with this configuration sees no pixel."""
  if config.sampling == "pairs":
    records = _held_out_records(config, manifest)
    keys = (
      schema.parse(record, manifest.clean_encoding).key.numpy().decode() for record in records
    )
    return frozenset(key.rsplit("/", 2)[0] for key in keys)
  return frozenset(image.id for image in manifest.images if image.split == "test")


def _held_out_records(config, manifest):
  """Returns the records all of whose pairs are held out; which ones, bad records have a say in."""
  _check_whole_images(manifest)
  paths, counts = _share(manifest, 0, 1)
  shards = leaving_out.usable(config, manifest.clean_encoding, manifest.folder, paths, counts)
  return pairs.held_out_records(manifest, config.held_out_pairs, shards.read)


def _share(manifest, host, hosts):
  """Returns this host's shards and the number of records in each."""
  # Workers of a data service have another working folder.
  paths = tuple(map(paths_lib.absolute, manifest.shard_paths("train")))
  counts = tuple(shard.count for shard in manifest.splits["train"] if shard.count)
  if not counts:
    raise ValueError(f"{manifest.folder} holds no training records.")
  if len(paths) < hosts:
    raise ValueError(
      f"{manifest.folder} has {len(paths)} training shards for {hosts} hosts, each of which needs "
      f"one: write the records again with --shards={hosts} or more."
    )
  return paths[host::hosts], counts[host::hosts]


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


def _check_whole_images(manifest):
  """Raises unless a record is an image: the pairs of an image are numbered as one."""
  tile_size = manifest.settings["tile_size"]
  if tile_size:
    raise ValueError(
      f"sampling=pairs needs records of whole images, and {manifest.folder} holds tiles of "
      f"{tile_size} pixels: write them with deblock-records --tile_size=0."
    )


def _crop_batches(config, clean_encoding, shards, seed, batch_size, first_batch):
  crops = config.crops_per_tile * config.mixed_tiles
  if crops % batch_size:
    raise ValueError(
      f"crops_per_tile times mixed_tiles, {crops}, must be a multiple of a host's batch of "
      f"{batch_size}."
    )
  first_tile = first_batch // (crops // batch_size) * config.mixed_tiles

  # AutoGraph has nothing to convert here, and takes two seconds to find that out.
  @tf.autograph.experimental.do_not_convert
  def crops_of(index, serialized):
    return index, _random_crops(serialized, clean_encoding, config, seed, index)

  # The order of tiles is settled while they are still compressed, so that entering the stream in
  # the middle decodes nothing of what is passed over.
  if config.data_service:
    tiles = source.stretches(
      shards, config.shuffled_tiles, seed, first_tile, window=config.mixed_tiles
    )
  else:
    tiles = source.tiles(shards, config.shuffled_tiles, seed, first_tile)
  return mixing.batches(
    tiles.map(crops_of, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True),
    crop_size=config.crop_size,
    crops_per_tile=config.crops_per_tile,
    mixed_tiles=config.mixed_tiles,
    batch_size=batch_size,
    seed=seed,
    first_batch=first_batch,
  )


def _pair_batches(config, manifest, read, seed, batch_size, first_batch):
  records, first_pairs, count = pairs.training_records(manifest, config.held_out_pairs, read)
  epoch, pairs_into_epoch = divmod(first_batch * batch_size, count)

  @tf.autograph.experimental.do_not_convert
  def pairs_of(number, index, serialized, first_pair):
    element = schema.parse(serialized, manifest.clean_encoding)
    decision_seed = seeds.derive(seed, number, index, seeds.QUALITY)
    stream, quality = degrade.choose_stored(
      element.compressed, element.qualities, config.qualities, decision_seed
    )
    clean = pairs.cut_all(element.clean, config.crop_size)[first_pair:]
    decoded = degrade.decode_stored(stream, element.clean)
    compressed = pairs.cut_all(decoded, config.crop_size)[first_pair:]
    symmetry_seed = seeds.derive(seed, number, index, seeds.SYMMETRY)
    pair, tables = _augmented(config, (compressed, clean), _tables(quality), symmetry_seed)
    return batch.Batch(*pair, *_repeated(quality, tables, tf.shape(clean)[0]))

  @tf.autograph.experimental.do_not_convert
  def one_epoch(number):
    order_seed = seeds.derive(seed, number, seeds.ORDER)
    epoch_pairs = (
      tf.data.Dataset.from_tensor_slices((records, first_pairs))
      .enumerate()
      .map(lambda index, pair: pairs_of(number, index, *pair))
      .unbatch()
    )
    return source.shuffled(epoch_pairs, count, order_seed)

  return (
    tf.data.Dataset.range(epoch, tf.int64.max)
    .flat_map(one_epoch)
    .skip(pairs_into_epoch)
    .batch(batch_size, drop_remainder=True)
  )


def _random_crops(serialized, clean_encoding, config, seed, index):
  """Returns the crops of one tile as a Batch, whose images are held (`mixing`)."""
  element = schema.parse(serialized, clean_encoding)
  count = config.crops_per_tile
  quality_seed = seeds.derive(seed, index, seeds.QUALITY)
  symmetry_seed = seeds.derive(seed, index, seeds.SYMMETRY)
  clean = placement.whole_units(element.clean, config)
  if config.degradation == "online":
    chances = qualities_lib.probabilities(config.online_qualities)
    quality = qualities_lib.draw(chances, count, quality_seed)
    tables = _tables(quality)
    # Turned before it is compressed: a JPEG's rows and columns are not quantised alike.
    (clean,), _ = _augmented(config, (clean,), tables, symmetry_seed)
    if damage_config.is_any(config):
      return _held(damage.random_crops(clean, config, seed, index))
    (clean,) = _cut((clean,), config, seed, index)
    compressed = degrade.compress(clean, quality, tables, config.jpeg)
    return _held(batch.Batch(compressed, clean, quality, tables))
  stream, quality = degrade.choose_stored(
    element.compressed, element.qualities, config.qualities, quality_seed
  )
  decoded = degrade.decode_stored(stream, element.clean)
  pair = (placement.whole_units(decoded, config), clean)
  pair, tables = _augmented(config, pair, _tables(quality), symmetry_seed)
  compressed, clean = _cut(pair, config, seed, index)
  made = batch.Batch(compressed, clean, *_repeated(quality, tables, count))
  return _held(damage.some_unharmed(made, config, seed, index))


def _augmented(config, images, tables, seed):
  return augment.random_symmetry(images, tables, seed) if config.augment else (images, tables)


def _cut(images, config, seed, index):
  """Returns the same random crops of each image, uint8 [crops_per_tile, P, P, 3] or apart."""
  height, width = tf.unstack(tf.shape(images[0])[:2])
  offsets = placement.offsets(config, height, width, seed, index)
  on_grid = not config.misaligned_share
  return tuple(crop.cut_apart(image, offsets, config.crop_size, on_grid) for image in images)


def _held(made):
  return made._replace(compressed=mixing.hold(made.compressed), clean=mixing.hold(made.clean))


def _tables(quality):
  """Returns the quantisation steps of qualities of any shape, float32 [..., 2, 8, 8]."""
  return tf.gather(tf.constant(jpeg_tables.all_quantization_tables()), quality)


def _repeated(quality, tables, count):
  """Returns one quality and its tables for each of `count` crops, [count] and [count, 2, 8, 8]."""
  return tf.fill([count], quality), tf.tile(tables[tf.newaxis], [count, 1, 1, 1])


def _decode_all(serialized, clean_encoding, wanted: Sequence[int]):
  element = schema.parse(serialized, clean_encoding)
  streams, qualities = element.compressed, element.qualities
  if wanted:
    kept = tf.reduce_any(qualities[:, tf.newaxis] == tf.constant(wanted, tf.int64), axis=1)
    streams, qualities = tf.boolean_mask(streams, kept), tf.boolean_mask(qualities, kept)
  compressed = tf.map_fn(graph_codec.decode, streams, fn_output_signature=tf.uint8)
  return element.clean, compressed, tf.cast(qualities, tf.int32)


def _finish(batches, floats):
  """Casts to float last, or not at all: four times fewer bytes are moved until then."""
  if floats:
    batches = batches.map(
      tf.autograph.experimental.do_not_convert(pixels.batch_to_float),
      num_parallel_calls=tf.data.AUTOTUNE,
      deterministic=True,
    )
  return batches.prefetch(PREFETCHED_BATCHES)
