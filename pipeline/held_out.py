"""The data that a run never trains on: tiles to evaluate it on while it trains, and images."""

from collections.abc import Sequence

import tensorflow as tf

from deblock.pipeline import config as config_lib
from deblock.pipeline import degrade, leaving_out, pairs, source
from deblock.records.layout import manifest as manifest_lib
from deblock.records.layout import schema


def tiles(
  config: config_lib.InputConfig,
  manifest: manifest_lib.Manifest,
  limit: int,
  qualities: Sequence[int] = (),
) -> tf.data.Dataset:
  """Returns the tiles that a run is evaluated on while it trains; it trains on none of them.

  The first tiles of its `split`, whose order a hash made random; with sampling=pairs the images all
  of whose pairs are held out.

  Args:
    config: of the run.
    manifest: of the records.
    limit: largest number of tiles.
    qualities: of the JPEGs that are decoded; those of the run if empty.
  Returns:
    A dataset of clean uint8 [H, W, 3], compressed uint8 [N, H, W, 3] and qualities int32 [N].
  """
  if config.sampling == "pairs":
    dataset = _records_of_pairs(config, manifest)
  else:
    name = split(config, manifest)
    dataset = source.stored_records(manifest.shard_paths(name) if name in manifest.splits else [])

  @tf.autograph.experimental.do_not_convert
  def decoded(serialized):
    return _decode_all(serialized, manifest.clean_encoding, qualities or config.qualities)

  return dataset.take(limit).map(decoded)


def split(config: config_lib.InputConfig, manifest: manifest_lib.Manifest) -> str:
  """Returns the split that `tiles` reads: "val" if it has records, to spare "test"; else "test".

  With sampling=pairs it is "train".
  """
  if config.sampling == "pairs":
    return "train"
  return "val" if "val" in manifest.splits and manifest.count("val") else "test"


def images(config: config_lib.InputConfig, manifest: manifest_lib.Manifest) -> frozenset[str]:
  """Returns the identities of the images that a run with this configuration never sees.

  Images of the val split are not among them: `tiles` chooses on these.
  """
  if config.sampling == "pairs":
    keys = (
      schema.parse(record, manifest.clean_encoding).key.numpy().decode()
      for record in _records_of_pairs(config, manifest)
    )
    return frozenset(key.rsplit("/", 2)[0] for key in keys)
  return frozenset(image.id for image in manifest.images if image.split == "test")


def _records_of_pairs(config, manifest):
  """Returns the records all of whose pairs are held out, counted without skipped bad records."""
  shards = leaving_out.good_shards(config, manifest)
  return pairs.held_out_records(manifest, config.held_out_pairs, shards.read)


def _decode_all(serialized, clean_encoding, wanted: Sequence[int]):
  element = schema.parse(serialized, clean_encoding)
  streams, qualities = element.compressed, element.qualities
  if wanted:
    kept = tf.reduce_any(qualities[:, tf.newaxis] == tf.constant(wanted, tf.int64), axis=1)
    streams, qualities = tf.boolean_mask(streams, kept), tf.boolean_mask(qualities, kept)
  compressed = tf.map_fn(
    lambda stream: degrade.decode_stored(stream, element.clean),
    streams,
    fn_output_signature=tf.uint8,
  )
  return element.clean, compressed, tf.cast(qualities, tf.int32)
