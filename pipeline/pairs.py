"""Every 8x8 block of an image with its neighbours, and the split by pairs.

The project that this one continues numbered the pairs of all its images in order and kept the first
fifth for testing. That split is here to compare with it; splitting by image is the rule, since the
blocks of one image resemble each other.
"""

import numpy as np
import tensorflow as tf

from deblock.pipeline import crop, source
from deblock.records.jpeg import sampling as jpeg_sampling
from deblock.records.layout import manifest as manifest_lib
from deblock.records.layout import schema


def cut_all(image, size):
  """Returns each whole 8x8 block in the middle of its surroundings, in raster order.

  Beyond the image's border there are zeros, as in the project that this one continues.

  Args:
    image: uint8 [H, W, C].
    size: side of the square round a block in pixels, an odd multiple of 8.
  Returns:
    uint8 [H // 8 * W // 8, size, size, C].
  Raises:
    ValueError: if a block cannot stand in the middle of such a square.
  """
  if size % 16 != jpeg_sampling.BLOCK:
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
    records: list of serialised records, sorted by key, without those that are wholly held out.
    first_pairs: list of int, of each record the first pair that is not held out.
    count: number of pairs to train on.
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
  """Returns the serialised records all of whose pairs are held out, in order of their keys."""
  ordered = _ordered(manifest, read)
  passed = np.cumsum([count for _, count in ordered])
  wholly = int(np.searchsorted(passed, int(held_out * passed[-1]), side="right"))
  serialized = [record for record, _ in ordered[:wholly]]
  return tf.data.Dataset.from_tensor_slices(tf.constant(serialized, tf.string, (wholly,)))


def _ordered(manifest, read):
  """Returns (serialised record, number of its pairs) in order of the keys."""
  found = []
  paths = manifest.shard_paths("train")
  for serialized in source.stored_records(paths, read).as_numpy_iterator():
    element = schema.parse(serialized, manifest.clean_encoding)
    height, width, _ = element.clean.shape
    blocks = (height // jpeg_sampling.BLOCK) * (width // jpeg_sampling.BLOCK)
    found.append((element.key.numpy(), serialized, int(blocks)))
  return [(serialized, count) for _, serialized, count in sorted(found)]
