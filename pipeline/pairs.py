"""sampling=pairs: every 8x8 block of an image with its neighbours, split into training and test.

The project that this one continues numbered the pairs of all its images in order and kept the first
fifth for testing. This split is for comparing with it. Elsewhere images are split, since the blocks
of one image resemble each other.
"""

import numpy as np
import tensorflow as tf

from deblock.pipeline import augment, batch, crop, degrade, seeds, source
from deblock.pipeline import config as config_lib
from deblock.records.jpeg import sampling as jpeg_sampling
from deblock.records.layout import manifest as manifest_lib
from deblock.records.layout import schema


def batches(
  config: config_lib.InputConfig,
  manifest: manifest_lib.Manifest,
  read: source.Reader,
  seed: int,
  batch_size: int,
  first_batch: int,
) -> tf.data.Dataset:
  """Returns an endless dataset of `batch.Batch` of uint8 pairs, each pair once an epoch.

  Args:
    config: with sampling=pairs.
    manifest: of records of whole images.
    read: what of each shard, as in `source.Shards`.
    seed: of the run.
    batch_size: pairs in a batch.
    first_batch: position in the stream to start at.
  Raises:
    ValueError: if the records are tiles, or a block cannot be in the middle of a crop.
  """
  records, first_pairs, count = training_records(manifest, config.held_out_pairs, read)

  @tf.autograph.experimental.do_not_convert
  def pairs_of(number, index, serialized, first_pair):
    element = schema.parse(serialized, manifest.clean_encoding)
    stream, quality = degrade.choose_stored(
      element.compressed,
      element.qualities,
      config.qualities,
      seeds.derive(seed, number, index, seeds.QUALITY),
    )
    decoded = degrade.decode_stored(stream, element.clean)
    compressed, clean = (
      cut_all(image, config.crop_size)[first_pair:] for image in (decoded, element.clean)
    )
    tables = degrade.tables_of(quality)
    if config.augment:
      symmetry = augment.random_symmetry(seeds.derive(seed, number, index, seeds.SYMMETRY))
      compressed, clean = (augment.turned(image, symmetry) for image in (compressed, clean))
      tables = augment.turned_tables(tables, symmetry)
    return batch.of_one_jpeg(compressed, clean, quality, tables)

  @tf.autograph.experimental.do_not_convert
  def one_epoch(number):
    return (
      tf.data.Dataset.from_tensor_slices((records, first_pairs))
      .enumerate()
      .map(lambda index, pair: pairs_of(number, index, *pair))
      .unbatch()
    )

  stream = _shuffled_epochs(one_epoch, count, seed, first_batch * batch_size)
  return stream.batch(batch_size, drop_remainder=True)


def keys(
  config: config_lib.InputConfig,
  manifest: manifest_lib.Manifest,
  read: source.Reader,
  seed: int,
  batch_size: int,
  place: int,
) -> list[str]:
  """Returns the key of the record that each pair of a batch was cut from, in the batch's order.

  Args:
    config: as in `batches`.
    manifest: as in `batches`.
    read: as in `batches`.
    seed: as in `batches`.
    batch_size: as in `batches`.
    place: of the batch in the stream, from 0.
  """
  records, first_pairs, count = training_records(manifest, config.held_out_pairs, read)
  elements = [schema.parse(serialized, manifest.clean_encoding) for serialized in records]
  owners = np.concatenate(
    [
      np.full(_block_count(element.clean) - first_pair, index)
      for index, (element, first_pair) in enumerate(zip(elements, first_pairs, strict=True))
    ]
  )

  @tf.autograph.experimental.do_not_convert
  def one_epoch(number):
    del number
    return tf.data.Dataset.from_tensor_slices(owners)

  stream = _shuffled_epochs(one_epoch, count, seed, place * batch_size)
  chosen = stream.take(batch_size).as_numpy_iterator()
  return [elements[index].key.numpy().decode() for index in chosen]


def cut_all(image, size):
  """Returns each whole 8x8 block in the middle of its surroundings, in raster order.

  Pixels beyond the image's border are zero, as in the project that this one continues.

  Args:
    image: uint8 [H, W, C].
    size: side of the square around a block in pixels, an odd multiple of 8.
  Returns:
    uint8 [H // 8 * W // 8, size, size, C].
  Raises:
    ValueError: if `size` is not an odd multiple of 8.
  """
  if size % (2 * jpeg_sampling.BLOCK) != jpeg_sampling.BLOCK:
    raise ValueError(
      f"crop_size must be an odd multiple of 8 with sampling=pairs, to have a block in its middle, "
      f"got {size}."
    )
  margin = (size - jpeg_sampling.BLOCK) // 2
  height, width = tf.unstack(tf.shape(image)[:2])
  padded = tf.pad(image, [[margin, margin], [margin, margin], [0, 0]])
  return crop.cut(padded, crop.block_offsets(height, width), size, on_grid=True)


def training_records(
  manifest: manifest_lib.Manifest, held_out: float, read: source.Reader = source.whole_shard
):
  """Returns what is trained on when the first share of all pairs is held out.

  All records are held in memory, still compressed: this sampling is for small sets.

  Args:
    manifest: of the records.
    held_out: share of the pairs.
    read: what of each shard, as in `source.Shards`.
  Returns:
    records: list of serialised records, sorted by key, without those that are held out completely.
    first_pairs: list of int, for each record the first pair that is not held out.
    count: number of pairs to train on.
  Raises:
    ValueError: if the records are tiles.
  """
  ordered = _ordered(manifest, read)
  threshold = int(held_out * sum(count for _, count in ordered))
  records, first_pairs, passed = [], [], 0
  for serialized, count in ordered:
    if passed + count > threshold:
      records.append(serialized)
      first_pairs.append(max(0, threshold - passed))
    passed += count
  return records, first_pairs, passed - threshold


def held_out_records(
  manifest: manifest_lib.Manifest, held_out: float, read: source.Reader = source.whole_shard
) -> tf.data.Dataset:
  """Returns the serialised records all of whose pairs are held out, in order of their keys.

  Raises:
    ValueError: if the records are tiles.
  """
  ordered = _ordered(manifest, read)
  passed = np.cumsum([count for _, count in ordered])
  wholly = int(np.searchsorted(passed, int(held_out * passed[-1]), side="right"))
  serialized = [record for record, _ in ordered[:wholly]]
  return tf.data.Dataset.from_tensor_slices(tf.constant(serialized, tf.string, (wholly,)))


def _shuffled_epochs(one_epoch, count, seed, first):
  """Returns the endless stream of epochs of `count` elements, each shuffled, from `first` on."""
  epoch, into_epoch = divmod(first, count)

  @tf.autograph.experimental.do_not_convert
  def shuffled(number):
    order_seed = seeds.derive(seed, number, seeds.ORDER)
    return source.shuffled(one_epoch(number), count, order_seed)

  return tf.data.Dataset.range(epoch, tf.int64.max).flat_map(shuffled).skip(into_epoch)


def _ordered(manifest, read):
  """Returns (serialised record, number of its pairs) in order of the keys."""
  tile_size = manifest.settings["tile_size"]
  if tile_size:  # The pairs of an image are numbered as one.
    raise ValueError(
      f"sampling=pairs needs records of whole images, and {manifest.folder} holds tiles of "
      f"{tile_size} pixels: write them with deblock-records --tile_size=0."
    )
  found = []
  paths = manifest.shard_paths("train")
  for serialized in source.stored_records(paths, read).as_numpy_iterator():
    element = schema.parse(serialized, manifest.clean_encoding)
    found.append((element.key.numpy(), serialized, _block_count(element.clean)))
  return [(serialized, count) for _, serialized, count in sorted(found)]


def _block_count(image):
  height, width, _ = image.shape
  return (height // jpeg_sampling.BLOCK) * (width // jpeg_sampling.BLOCK)
