"""Estimates the size of the records from a few of the images."""

from collections.abc import Sequence
import statistics

from deblock.records.planning import config, cutting, hashing, tiles
from deblock.records.sources import opening, source_image

SAMPLED_IMAGES = 16

_MIB = 2**20
# Bytes per pixel of a clean tile: three samples, or as PNG on the Kodak images.
_CLEAN_BYTES = {"raw": 3.0, "png": 1.7}
# Bytes per pixel of one JPEG: 0.05 at quality 10, 0.12 at 50, 0.43 at 95 on the Kodak images.
_JPEG_BYTES = 0.15
_SMALL_SETS_SHARDS = 16
_SMALL_SETS_IMAGES = 8


def size_bytes(
  source: opening.Source,
  source_images: Sequence[source_image.SourceImage],
  settings: config.RecordsConfig,
) -> float:
  """Returns an estimate of the bytes of all records.

  It reads a few images, which a hash chooses, so every start reads the same ones. Unusable images
  count as zero.
  """
  order = sorted(source_images, key=lambda image: hashing.stable_hash("estimate", image.id))
  sample = order[:SAMPLED_IMAGES]
  if not sample:
    return 0.0
  mean = statistics.fmean(_pixels(image, found, settings) for image, found in source.read(sample))
  streams = settings.qualities_per_tile or len(settings.qualities)
  per_pixel = _CLEAN_BYTES[settings.clean_encoding] + streams * _JPEG_BYTES
  return mean * per_pixel * len(source_images)


def shard_count(total_bytes: float, number: int, settings: config.RecordsConfig) -> int:
  """Returns the number of shards of a split.

  This is `shards`; with "auto" it is as many as shards of `shard_mib` are needed. Small sets get
  one for every 8 images, up to 16, so that several workers can write and several hosts can read.

  Args:
    total_bytes: of the split's records.
    number: of its images.
    settings: those fields.
  """
  if settings.shards != "auto":
    return int(settings.shards)
  by_size = -(-total_bytes // (settings.shard_mib * _MIB))
  by_number = min(number // _SMALL_SETS_IMAGES, _SMALL_SETS_SHARDS)
  return max(1, int(by_size), by_number)


def _pixels(image, found, settings):
  """Returns the number of pixels of an image's tiles."""
  try:
    height, width = cutting.prepare(found, settings).shape[:2]
  except ValueError:
    return 0
  offsets = tiles.tile_offsets(height, width, settings.tile_size, settings.stride)
  chosen = cutting.choose_offsets(offsets, image.id, settings)
  return len(chosen) * (settings.tile_size**2 or height * width)
