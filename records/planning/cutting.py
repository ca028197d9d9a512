"""One image to its training triples: shrink, cut, decide, compress.

A hash of the tile's name decides what happens to a tile, so every run decides the same.
"""

from collections.abc import Iterator, Sequence
import dataclasses

import numpy as np
from PIL import Image

from deblock.records.jpeg import codec, sampling
from deblock.records.layout import triple
from deblock.records.photos import reading
from deblock.records.planning import config, hashing, tiles


@dataclasses.dataclass(frozen=True)
class Decisions:
  """How one tile is made.

  Attributes:
    gray: whether its colours are dropped.
    qualities: of its JPEGs, in ascending order if they were drawn.
    subsampling: of their chroma planes.
  """

  gray: bool
  qualities: tuple[int, ...]
  subsampling: str


def prepare(
  found: reading.Picture | reading.ImageError, settings: config.RecordsConfig
) -> np.ndarray:
  """Returns the pixels that tiles are cut from, uint8 [H, W, 3].

  Images that were JPEGs are shrunk by `jpeg_downscale`.

  Args:
    found: what a source read.
    settings: the factor, and the size of the tiles.
  Raises:
    ValueError: if the image cannot be used; the message is the reason, a clause.
  """
  if isinstance(found, reading.ImageError):
    raise ValueError(found.reason) from found
  pixels = shrink(found, settings.jpeg_downscale)
  height, width = pixels.shape[:2]
  tiles.tile_offsets(height, width, settings.tile_size, settings.stride)
  return pixels


def shrink(found: reading.Picture, jpeg_downscale: float) -> np.ndarray:
  """Returns the pixels of an image, shrunk by a factor if it was a JPEG; uint8 [H, W, 3].

  The artifacts of a JPEG have the size of 8x8 blocks: shrinking averages them, and moves them off
  the grid of the JPEGs that are made of the result.
  """
  if found.format != "JPEG" or jpeg_downscale == 1:
    return found.pixels
  height, width = (max(1, round(side / jpeg_downscale)) for side in found.pixels.shape[:2])
  picture = Image.fromarray(found.pixels)
  return np.asarray(picture.resize((width, height), Image.Resampling.LANCZOS))


def is_usable(found: reading.Picture | reading.ImageError, settings: config.RecordsConfig) -> bool:
  """Returns whether `prepare` accepts an image."""
  try:
    prepare(found, settings)
  except ValueError:
    return False
  return True


def make_triples(
  image: str, pixels: np.ndarray, settings: config.RecordsConfig
) -> Iterator[triple.PatchTriple]:
  """Yields the triple of each tile that is taken of an image, row by row.

  Args:
    image: its id, the first part of the keys.
    pixels: uint8 [H, W, 3], from `prepare`.
    settings: which tiles, and how they are made.
  Raises:
    ValueError: if the image is smaller than one tile.
  """
  height, width = pixels.shape[:2]
  offsets = tiles.tile_offsets(height, width, settings.tile_size, settings.stride)
  for row, column in choose_offsets(offsets, image, settings):
    tile = tiles.cut(pixels, (row, column), settings.tile_size)
    key = f"{image}/{row}/{column}"
    if settings.min_detail and not is_kept(key, tiles.detail(tile), settings):
      continue
    yield _make_triple(key, tile, decide(key, settings))


def decide(key: str, settings: config.RecordsConfig) -> Decisions:
  """Returns the decisions for the tile of that key."""
  qualities = settings.qualities
  if settings.qualities_per_tile:
    drawn = _draw(qualities, settings.qualities_per_tile, settings.seed, "quality", key)
    qualities = tuple(sorted(drawn))
  subsampling = settings.subsampling
  if subsampling == config.SAMPLED:
    (subsampling,) = _draw(tuple(sampling.FACTORS), 1, settings.seed, "subsampling", key)
  gray = hashing.fraction(settings.seed, "gray", key) < settings.gray_share
  return Decisions(gray, qualities, subsampling)


def choose_offsets(
  offsets: Sequence[tuple[int, int]], image: str, settings: config.RecordsConfig
) -> tuple[tuple[int, int], ...]:
  """Returns the tiles that are taken of an image, in the order given."""
  limit = settings.tiles_per_image
  if not limit or len(offsets) <= limit:
    return tuple(offsets)
  return tuple(sorted(_draw(offsets, limit, settings.seed, "tiles", image)))


def is_kept(key: str, detail: float, settings: config.RecordsConfig) -> bool:
  """Returns whether a tile of that detail is kept.

  Below `min_detail` the probability is detail / min_detail. Flat tiles become rare but do not
  vanish: a network that never saw one would invent detail there.
  """
  if detail >= settings.min_detail:
    return True
  return hashing.fraction(settings.seed, "detail", key) < detail / settings.min_detail


def _draw(choices, count, *name):
  """Returns `count` different choices, those with the smallest hashes."""
  order = sorted((hashing.stable_hash(*name, choice), choice) for choice in choices)
  return tuple(choice for _, choice in order[:count])


def _make_triple(key, tile, decided):
  source = codec.to_gray(tile) if decided.gray else np.ascontiguousarray(tile)
  streams = tuple(
    codec.encode(source, quality, decided.subsampling) for quality in decided.qualities
  )
  clean = np.repeat(source, 3, axis=2) if decided.gray else source
  return triple.PatchTriple(clean, streams, decided.qualities, key)
