"""Places the crops of tiles that are not damaged further: on the JPEG's block grid, or off it."""

import tensorflow as tf

from deblock.pipeline import config as config_lib
from deblock.pipeline import crop, decisions, seeds
from deblock.records.jpeg import sampling as jpeg_sampling


def whole_units(image, config: config_lib.InputConfig):
  """Returns an image [H, W, C] cropped to whole units of `crop_grid` pixels; all of it for 8.

  A grid survives flipping only if it ends where the image ends.
  """
  grid = config.crop_grid
  if grid == jpeg_sampling.BLOCK:
    return image
  height, width = tf.unstack(tf.shape(image)[:2] // grid * grid)
  return image[:height, :width]


def offsets(config: config_lib.InputConfig, height, width, seed, index):
  """Returns the corners of a tile's crops, int32 [crops_per_tile, 2], rows and columns.

  They are multiples of `crop_grid`. Misaligned crops are up to 7 pixels right of and below such a
  corner.

  Args:
    config: how crops are placed.
    height: int or int32 scalar tensor, of the tile.
    width: as `height`.
    seed: int, of the run.
    index: int64 scalar tensor, of the tile in the stream.
  Raises:
    InvalidArgumentError: in the graph, if a crop is larger than the tile; a misaligned crop needs
      8 pixels more.
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
