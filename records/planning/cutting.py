"""One image to its training triples: shrink, cut, decide, compress."""

from collections.abc import Iterator

import numpy as np
from PIL import Image

from deblock.records.jpeg import codec
from deblock.records.layout import triple
from deblock.records.photos import reading
from deblock.records.planning import config, decisions, tiles


def shrink(picture: reading.Picture, jpeg_downscale: float) -> np.ndarray:
  """Returns the pixels of a picture, smaller by that factor if it was a JPEG, uint8 [H, W, 3].

  The artifacts of a JPEG are of the size of its 8x8 blocks, and shrinking averages over those: what
  is left of them is weaker, and no longer on the grid of the JPEGs that are made of the result.
  """
  pixels = picture.pixels
  if picture.format != "JPEG" or jpeg_downscale == 1:
    return pixels
  height, width = (max(1, round(side / jpeg_downscale)) for side in pixels.shape[:2])
  return np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.LANCZOS))


def prepare(picture: reading.Picture, settings: config.RecordsConfig) -> np.ndarray:
  """Returns the pixels that tiles are cut from, uint8 [H, W, 3].

  Raises:
    ValueError: if not even one tile fits in.
  """
  pixels = shrink(picture, settings.jpeg_downscale)
  height, width = pixels.shape[:2]
  tiles.tile_offsets(height, width, settings.tile_size, settings.stride)
  return pixels


def problem(found: reading.Picture | reading.ImageError, settings: config.RecordsConfig) -> str:
  """Returns why no tile can be cut from what was read of an image, or "" if one can."""
  if isinstance(found, reading.ImageError):
    return found.reason
  try:
    prepare(found, settings)
  except ValueError as error:
    return str(error)
  return ""


def make_triples(
  image: str, pixels: np.ndarray, settings: config.RecordsConfig
) -> Iterator[triple.PatchTriple]:
  """Yields the triple of each tile that is taken of an image, row by row.

  Args:
    image: its id, the first part of the keys.
    pixels: uint8 [H, W, 3], from `prepare`.
    settings: which tiles, and what is done to them.
  Raises:
    ValueError: if the image is smaller than one tile.
  """
  height, width = pixels.shape[:2]
  offsets = tiles.tile_offsets(height, width, settings.tile_size, settings.stride)
  for row, column in decisions.choose_offsets(offsets, image, settings):
    tile = tiles.cut(pixels, (row, column), settings.tile_size)
    key = f"{image}/{row}/{column}"
    if settings.min_detail and not decisions.keeps(key, tiles.detail(tile), settings):
      continue
    yield _make_triple(key, tile, decisions.decide(key, settings))


def _make_triple(key, tile, decided):
  source = codec.to_gray(tile) if decided.gray else np.ascontiguousarray(tile)
  streams = tuple(
    codec.encode(source, quality, decided.subsampling) for quality in decided.qualities
  )
  clean = np.repeat(source, 3, axis=2) if decided.gray else source
  return triple.PatchTriple(clean, streams, decided.qualities, key)
