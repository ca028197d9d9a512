"""Applies the decisions of `decisions`: cuts, alters and compresses crops."""

import tensorflow as tf

from deblock.pipeline import alterations, batch, decisions, degrade, seeds
from deblock.pipeline import config as config_lib


def random_crops(tile, config: config_lib.InputConfig, seed, index) -> batch.Batch:
  """Returns the crops of one tile, each damaged by its own decisions: a Batch of `crops_per_tile`.

  Only the branches that a crop's decisions take are computed.

  Args:
    tile: uint8 [H, W, 3], clean, turned before: compression comes last.
    config: with `degradation="online"`.
    seed: int, of the run.
    index: int64 scalar tensor, of the tile in the stream.
  Returns:
    A Batch whose images are still uint8.
  Raises:
    InvalidArgumentError: in the graph, if a crop with its surroundings is larger than the tile.
  """
  height, width = tf.unstack(tf.shape(tile)[:2])
  made = decisions.draw(config, height, width, seed, index)

  # Traced once and called for each crop: a loop inside the graph is slower.
  @tf.function(autograph=False)
  def one_crop(tile, fields):
    return apply(tile, decisions.Decisions(*fields), config)

  crops = [
    one_crop(tile, fields) for fields in zip(*(tf.unstack(field) for field in made), strict=True)
  ]
  compressed, clean = (tf.stack(side) for side in zip(*crops, strict=True))
  return batch.Batch(compressed, clean, made.quality, made.tables)


def some_unharmed(made: batch.Batch, config: config_lib.InputConfig, seed, index) -> batch.Batch:
  """Returns stored crops; a share of them, `clean_share`, is replaced by the clean ones.

  Args:
    made: the uint8 crops of one tile.
    config: with `clean_share`.
    seed: int, of the run.
    index: int64 scalar tensor, of the tile in the stream.
  """
  if not config.clean_share:
    return made
  clean_seed = seeds.derive(seed, index, seeds.CLEAN)
  clean = decisions.chosen(config.clean_share, config.crops_per_tile, clean_seed)
  compressed = tf.where(clean[:, tf.newaxis, tf.newaxis, tf.newaxis], made.clean, made.compressed)
  return batch.Batch(compressed, made.clean, *decisions.unharmed(clean, made.quality, made.tables))


def apply(tile, made: decisions.Decisions, config: config_lib.InputConfig):
  """Returns a crop after and before compression, both uint8 [P, P, 3].

  Args:
    tile: uint8 [H, W, 3], clean.
    made: the decisions of one crop, without their first axis.
    config: that they were drawn for.
  """
  side = decisions.sizes(config)

  def last_jpeg(pixels):
    return _last_jpeg(pixels, made, config)

  def in_one_step():
    clean = _coloured(_square(tile, made.places, side.crop), made, config)
    return last_jpeg(clean), clean

  def with_surroundings():
    damaged, clean = _before_last_jpeg(tile, made, config, side)
    compressed = _if(
      config.misaligned_share,
      made.misaligned,
      lambda: _square(last_jpeg(damaged), made.crop_shift, side.crop),
      lambda: last_jpeg(damaged[: side.crop, : side.crop]),
    )
    return compressed, _square(clean, made.crop_shift, side.crop)

  surrounded = (made.first > 0) | made.misaligned
  share = max(config.double_share, config.resize_share, config.misaligned_share)
  return _if(share, surrounded, with_surroundings, in_one_step)


def _before_last_jpeg(tile, made, config, side):
  """Returns the input of the last JPEG and its clean version, both uint8 [last, last, 3]."""

  def cut(size):
    return _coloured(_square(tile, made.places, size), made, config)

  def first_jpeg(pixels):
    return degrade.compress_one(pixels, made.first, config.jpeg)

  def resized():
    clean = cut(side.resized)
    pair = alterations.resized(tf.stack([first_jpeg(clean), clean]), made.scale, side.last)
    return pair[0], pair[1]

  def in_place():
    clean = cut(side.shifted)
    damaged = _if(
      config.double_share, made.first > 0, lambda: first_jpeg(clean), lambda: tf.identity(clean)
    )
    return tuple(_square(pixels, made.grid_shift, side.last) for pixels in (damaged, clean))

  return _if(config.resize_share, made.resized, resized, in_place)


def _coloured(pixels, made, config):
  """Returns clean pixels with the crop's decisions on colour applied."""
  for share, happens, change in (
    (config.channel_order_share, made.reordered, lambda p: alterations.reordered(p, made.order)),
    (config.tone_share, made.toned, lambda p: alterations.toned(p, made.contrast, made.brightness)),
    (config.gray_share, made.gray, alterations.gray),
  ):
    pixels = _if(share, happens, lambda p=pixels, f=change: f(p), lambda p=pixels: tf.identity(p))
  return pixels


def _last_jpeg(pixels, made, config):
  def made_by(way):
    if not way.subsampling:
      return lambda: tf.identity(pixels)
    if way.by_encoder:
      return lambda: degrade.simulate_one(pixels, made.tables, way.subsampling)
    return lambda: degrade.compress_one(pixels, made.quality, config.jpeg, way.subsampling)

  makers = [made_by(way) for way in decisions.ways(config)]
  return makers[0]() if len(makers) == 1 else tf.switch_case(made.way, makers)


def _if(share, happens, change, keep):
  """Returns one of two branches; a share of 0 leaves the other branch out of the graph."""
  if not share:
    return keep()
  return tf.cond(happens, change, keep)


def _square(pixels, corner, size):
  """Returns the square of `size` pixels a side at a corner, int32 [2]; same dtype."""
  shape = (size, size, pixels.shape[2])
  return tf.ensure_shape(tf.slice(pixels, tf.concat([corner, [0]], 0), shape), shape)
