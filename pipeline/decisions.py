"""All random decisions about each crop; `damage` applies them.

Each decision has its own seed: raising one share leaves the other decisions unchanged. Crops decide
independently, so shares multiply: P(A and B) = P(A) P(B). There are two exceptions. A clean crop is
neither resized nor shifted, and the first grid of a resized crop, which is compressed twice anyway,
is not shifted.
"""

from typing import NamedTuple

import tensorflow as tf

from deblock.pipeline import alterations, crop, degrade, distributions, seeds
from deblock.pipeline import config as config_lib
from deblock.records.jpeg import encoders as jpeg_encoders
from deblock.records.jpeg import sampling as jpeg_sampling


class Way(NamedTuple):
  """One way to make the last JPEG.

  Attributes:
    subsampling: of its chroma; "" for no JPEG.
    by_encoder: whether its tables are an encoder's own instead of an IJG quality's.
  """

  subsampling: str
  by_encoder: bool = False


class Decisions(NamedTuple):
  """One entry per crop, in the order in which things happen.

  Attributes:
    places: int32 [N, 2], corners of the crops; for crops that need surroundings the corners of
      these, which are on the first JPEG's grid.
    gray: bool [N].
    reordered: bool [N], whether the channels' order changes.
    order: int32 [N, 3], for each new channel the index of the old one.
    toned: bool [N], whether contrast and brightness change.
    contrast: float32 [N], a factor.
    brightness: float32 [N], in levels.
    first: int32 [N], the quality of the first of two JPEGs, 4:2:0; 0 for no first one.
    resized: bool [N], whether the first JPEG is resized.
    scale: float32 [N], its factor.
    grid_shift: int32 [N, 2], rows and columns from the first JPEG's grid to the last one's.
    way: int32 [N], index into `ways` of the last JPEG.
    quality: int32 [N], of the last JPEG; for other tables than IJG's the nearest quality.
    tables: float32 [N, 2, 8, 8], steps of the last JPEG.
    misaligned: bool [N].
    crop_shift: int32 [N, 2], rows and columns from the last JPEG's grid to the crop.
  """

  places: tf.Tensor
  gray: tf.Tensor
  reordered: tf.Tensor
  order: tf.Tensor
  toned: tf.Tensor
  contrast: tf.Tensor
  brightness: tf.Tensor
  first: tf.Tensor
  resized: tf.Tensor
  scale: tf.Tensor
  grid_shift: tf.Tensor
  way: tf.Tensor
  quality: tf.Tensor
  tables: tf.Tensor
  misaligned: tf.Tensor
  crop_shift: tf.Tensor


class Sizes(NamedTuple):
  """Sides of squares in pixels, large enough for every crop of a configuration.

  Attributes:
    crop: the network's input.
    last: input of the last JPEG of a misaligned crop.
    shifted: input of the first of two JPEGs.
    resized: input of the resizing.
    surroundings: the largest of these.
  """

  crop: int
  last: int
  shifted: int
  resized: int
  surroundings: int


def sizes(config: config_lib.InputConfig) -> Sizes:
  """Returns the sides of the squares that are cut and compressed."""
  last = config.crop_size + (jpeg_sampling.BLOCK if config.misaligned_share else 0)
  moves = config.double_share and config.double_largest_shift
  shifted = last + (jpeg_sampling.BLOCK if moves else 0)
  resized = alterations.source_size(last, config.resize_smallest) if config.resize_share else 0
  return Sizes(config.crop_size, last, shifted, resized, max(shifted, resized))


def ways(config: config_lib.InputConfig) -> tuple[Way, ...]:
  """Returns every way to make the last JPEG; `Decisions.way` is an index into it."""
  chances = distributions.of_subsamplings(config.online_subsampling)
  drawn = [name for name, p in zip(distributions.SUBSAMPLINGS, chances, strict=True) if p]
  none = [Way("")] if config.clean_share else []
  by_quality = [Way(name) for name in drawn]
  by_encoder = [Way(name, by_encoder=True) for name in drawn] if config.encoder_tables_share else []
  return (*none, *by_quality, *by_encoder)


def draw(config: config_lib.InputConfig, height, width, seed, index) -> Decisions:
  """Returns the decisions about each of a tile's `crops_per_tile` crops.

  Args:
    config: with `degradation="online"`.
    height: int or int32 scalar tensor, of the tile.
    width: as `height`.
    seed: int, of the run.
    index: int64 scalar tensor, of the tile in the stream.
  Raises:
    InvalidArgumentError: in the graph, if a crop with its surroundings is larger than the tile.
  """
  count, side = config.crops_per_tile, sizes(config)

  def seed_of(decision):
    return seeds.derive(seed, index, decision)

  def happens(share, decision):
    return chosen(share, count, seed_of(decision))

  def between(smallest, largest, decision):
    return tf.random.stateless_uniform((count,), seed_of(decision), smallest, largest)

  def quality_of(text, decision):
    return distributions.draw(distributions.of_qualities(text), count, seed_of(decision))

  def places(size, decision):
    return crop.random_offsets(height, width, size, count, seed_of(decision), config.crop_grid)

  clean = happens(config.clean_share, seeds.CLEAN)
  damaged = tf.logical_not(clean)
  resized = damaged & happens(config.resize_share, seeds.RESIZE)
  double = damaged & ~resized & happens(config.double_share, seeds.DOUBLE)
  misaligned = damaged & happens(config.misaligned_share, seeds.MISALIGN)
  quality, tables, way = _last_jpeg(config, clean, quality_of, happens, seed_of)
  first = quality_of(config.double_qualities or config.online_qualities, seeds.FIRST_QUALITY)
  shift = tf.random.stateless_uniform(
    (count, 2), seed_of(seeds.GRID_SHIFT), 0, config.double_largest_shift + 1, tf.int32
  )
  offsets = places(side.crop, seeds.OFFSETS)
  if side.surroundings > side.crop:
    # Crops with surroundings have places of their own, so that the others still reach the border.
    surrounded = resized | double | misaligned
    offsets = _where(surrounded, places(side.surroundings, seeds.REGION), offsets)
  return Decisions(
    places=offsets,
    gray=happens(config.gray_share, seeds.GRAY),
    reordered=happens(config.channel_order_share, seeds.REORDER),
    order=alterations.random_orders(count, seed_of(seeds.CHANNEL_ORDER)),
    toned=happens(config.tone_share, seeds.TONE),
    contrast=between(1.0 - config.tone_contrast, 1.0 + config.tone_contrast, seeds.CONTRAST),
    brightness=255.0 * between(-config.tone_brightness, config.tone_brightness, seeds.BRIGHTNESS),
    first=_where(double | resized, first, 0),
    resized=resized,
    scale=between(config.resize_smallest, config.resize_largest, seeds.SCALE),
    grid_shift=_where(double, shift, 0),
    way=way,
    quality=quality,
    tables=tables,
    misaligned=misaligned,
    crop_shift=_where(misaligned, crop.random_shifts(count, seed_of(seeds.CROP_SHIFT)), 0),
  )


def chosen(share: float, count: int, seed: tf.Tensor) -> tf.Tensor:
  """Returns independent draws that are true with probability `share`, bool [count].

  Args:
    share: in [0, 1]; 0 is never, 1 is always.
    count: number of crops.
    seed: int64 [2].
  """
  return tf.random.stateless_uniform((count,), seed, dtype=tf.float64) < share


def unharmed(chosen_crops, quality, tables):
  """Returns qualities [N] and tables [N, 2, 8, 8], set to 100 and ones for the chosen crops."""
  return _where(chosen_crops, 100, quality), _where(chosen_crops, 1.0, tables)


def _last_jpeg(config, clean, quality_of, happens, seed_of):
  """Returns quality, tables and way of the last JPEG of each crop."""
  quality = quality_of(config.online_qualities, seeds.QUALITY)
  tables = degrade.tables_of(quality)
  own = happens(config.encoder_tables_share, seeds.ENCODER_TABLES)
  if config.encoder_tables_share:
    encoder = tf.random.stateless_uniform(
      quality.shape, seed_of(seeds.ENCODER), 0, len(jpeg_encoders.ENCODERS), tf.int32
    )
    place = tf.stack([encoder, quality], axis=1)
    steps = tf.gather_nd(tf.constant(jpeg_encoders.all_quantization_tables()), place)
    nearest = tf.gather_nd(tf.constant(jpeg_encoders.all_nearest_qualities()), place)
    tables = _where(own, tf.cast(steps, tf.float32), tables)
    quality = _where(own, nearest, quality)
  chances = distributions.of_subsamplings(config.online_subsampling)
  subsampling = distributions.draw(chances, config.crops_per_tile, seed_of(seeds.SUBSAMPLING))
  names = distributions.SUBSAMPLINGS
  by_quality, by_encoder = (
    tf.gather([_number(config, Way(name, own_tables)) for name in names], subsampling)
    for own_tables in (False, True)
  )
  way = _where(clean, _number(config, Way("")), _where(own, by_encoder, by_quality))
  return *unharmed(clean, quality, tables), way


def _number(config, way):
  """Returns the index of a way in `ways`, or 0 for a way that is never taken."""
  found = ways(config)
  return found.index(way) if way in found else 0


def _where(mask, one, other):
  """Returns `one` where the mask [N] is true, else `other`; either may be [N, ...] or a scalar."""
  ranks = [tensor.shape.rank for tensor in (one, other) if tf.is_tensor(tensor)]
  return tf.where(tf.reshape(mask, [-1, *[1] * (max(ranks) - 1)]), one, other)
