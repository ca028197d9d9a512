"""Where the crops of a tile are cut that are not compressed anew: on the JPEG's grid, or off it."""

import tensorflow as tf

from deblock.pipeline import config as config_lib
from deblock.pipeline import crop, decisions, seeds
from deblock.records.jpeg import sampling as jpeg_sampling


def whole_units(image, config: config_lib.InputConfig):
  """Returns an image [H, W, C] without what is beyond its last whole unit of `crop_grid` pixels.

  Flipping keeps a grid in its place only if it ends where the image does. Blocks of 8 are left as
  they come.
  """
  grid = config.crop_grid
  if grid == jpeg_sampling.BLOCK:
    return image
  height, width = tf.unstack(tf.shape(image)[:2] // grid * grid)
  return image[:height, :width]


def offsets(config: config_lib.InputConfig, height, width, seed, index):
  """Returns the corners of a tile's crops, int32 [crops_per_tile, 2], rows and columns.

  Multiples of `crop_grid`, but for the share of misaligned crops: those are up to 7 pixels right of
  and below such a corner, and have as much room.

  Args:
    config: how crops are placed.
    height: int or int32 scalar tensor, of the tile.
    width: likewise.
    seed: int, of the run.
    index: int64 scalar tensor, of the tile in the stream.
  Raises:
    InvalidArgumentError: in the graph, if a crop with that room is larger than the tile.
  """
  count = config.crops_per_tile

  def seed_of(decision):
    return seeds.derive(seed, index, decision)

  def aligned(size, decision):
    return crop.random_offsets(height, width, size, count, seed_of(decision), config.crop_grid)

  corners = aligned(config.crop_size, seeds.OFFSETS)
  if not config.misaligned_share:
    return corners
  shifts = crop.random_shifts(count, seed_of(seeds.CROP_SHIFT))
  shifted = aligned(config.crop_size + jpeg_sampling.BLOCK, seeds.REGION) + shifts
  misaligned = decisions.chosen(config.misaligned_share, count, seed_of(seeds.MISALIGN))
  return tf.where(misaligned[:, tf.newaxis], shifted, corners)
