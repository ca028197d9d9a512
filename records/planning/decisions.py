"""What is decided for each tile by a hash of its name, so that no run decides otherwise."""

from collections.abc import Sequence
import dataclasses

from deblock.records.jpeg import codec
from deblock.records.planning import config, hashing


@dataclasses.dataclass(frozen=True)
class Decisions:
  """How one tile is made.

  Attributes:
    gray: whether its colours are dropped.
    qualities: of its JPEGs, in ascending order where they were drawn.
    subsampling: of their chroma planes.
  """

  gray: bool
  qualities: tuple[int, ...]
  subsampling: str


def decide(key: str, settings: config.RecordsConfig) -> Decisions:
  """Returns the decisions for the tile of that key."""
  qualities = settings.qualities
  if settings.qualities_per_tile:
    drawn = _draw(qualities, settings.qualities_per_tile, settings.seed, "quality", key)
    qualities = tuple(sorted(drawn))
  subsampling = settings.subsampling
  if subsampling == config.SAMPLED:
    (subsampling,) = _draw(tuple(codec.SUBSAMPLINGS), 1, settings.seed, "subsampling", key)
  gray = hashing.fraction(settings.seed, "gray", key) < settings.gray_share
  return Decisions(gray, qualities, subsampling)


def choose_offsets(
  offsets: Sequence[tuple[int, int]], image: str, settings: config.RecordsConfig
) -> tuple[tuple[int, int], ...]:
  """Returns the tiles that are taken of an image, in the order in which they were given."""
  limit = settings.tiles_per_image
  if not limit or len(offsets) <= limit:
    return tuple(offsets)
  return tuple(sorted(_draw(offsets, limit, settings.seed, "tiles", image)))


def keeps(key: str, detail: float, settings: config.RecordsConfig) -> bool:
  """Returns whether a tile of that detail is kept.

  Below `min_detail` the chance is the ratio of the two, so flat tiles get rare and not extinct: a
  network that never saw one would invent something there.
  """
  if detail >= settings.min_detail:
    return True
  return hashing.fraction(settings.seed, "detail", key) < detail / settings.min_detail


def _draw(choices, count, *name):
  """Returns `count` different choices, those with the smallest hashes."""
  order = sorted((hashing.stable_hash(*name, choice), choice) for choice in choices)
  return tuple(choice for _, choice in order[:count])
