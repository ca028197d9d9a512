"""The settings of a folder of records. Each field is a flag of deblock-records."""

import dataclasses
from typing import Any

from deblock.records import option
from deblock.records.jpeg import sampling
from deblock.records.jpeg import tables as jpeg_tables
from deblock.records.layout import triple
from deblock.records.planning import duplicates, perceptual, plan, tiles
from deblock.records.sources import opening

SOURCE_FIELDS = (
  "images", "source", "tfds_split", "tfds_feature", "tfds_dir", "graphics_count", "graphics_split",
  "graphics_side", "seed",
)  # fmt: skip
SAMPLED = "sampled"

_OF_GRAPHICS = ("graphics_count", "graphics_split", "graphics_side")
# Fields that do not change the bytes of the records.
_NOT_SETTINGS = frozenset(("records", "workers", "max_bad_fraction", "overwrite", "append"))


@dataclasses.dataclass(frozen=True)
class RecordsConfig:
  """Settings of one folder of records. Each field's metadata["help"] explains it.

  Raises:
    ValueError: naming the field, its value and the rule that it breaks.
  """

  images: str = option.field("", "Folder, glob or file of clean images.")
  source: str = option.field(
    "", "Known set instead of --images: kodak, tfds:NAME, graphics or packaged (default)."
  )
  tfds_split: str = option.field("train", "Split of --source=tfds:NAME that is read.")
  tfds_feature: str = option.field("image", "Feature of --source=tfds:NAME that holds the image.")
  tfds_dir: str = option.field("", "Folder of prepared TFDS datasets; its own default if empty.")
  graphics_count: int = option.field(
    0,
    "Images to draw: text, charts, comics, windows; beside --images, or with --source=graphics.",
  )
  graphics_split: str = option.field(
    "train", "Drawn images for train or for valid: no image is in both, whatever the seeds."
  )
  graphics_side: int = option.field(512, "Side of the drawn images in pixels.")
  records: str = option.field("", "Folder to write the records to.")
  qualities: tuple[int, ...] = option.field(
    (25,), "JPEG qualities, 1 to 100: 10,20 or 5-95 or 10-90:20."
  )
  qualities_per_tile: int = option.field(0, "Qualities drawn for each tile; 0 stores all of them.")
  tile_size: int = option.field(256, "Side of the tiles, a multiple of 16; 0 keeps images whole.")
  stride: int = option.field(
    0, "Pixels from tile to tile; 0 covers an image with the fewest tiles."
  )
  tiles_per_image: int = option.field(
    0, "Most tiles taken of an image, chosen at random; 0 for all."
  )
  min_detail: float = option.field(
    0.0, "Drop some of the tiles with less detail (mean step in levels)."
  )
  subsampling: str = option.field(
    "420", "Chroma subsampling: 420, 422, 444, or sampled for each tile."
  )
  gray_share: float = option.field(0.0, "Share of the tiles that become gray, 0 to 1.")
  jpeg_downscale: float = option.field(
    1.0, "Shrink images that were JPEGs by this factor, 1 or more."
  )
  clean_encoding: str = option.field(
    "raw", "How clean tiles are stored: raw (fast) or png (small)."
  )
  shards: str = option.field("auto", "Files per split: a number, or auto to follow --shard_mib.")
  shard_mib: int = option.field(128, "Size of a shard in MiB that --shards=auto aims at.")
  test_share: float = option.field(0.2, "Share of the images that goes to the test split, 0 to 1.")
  val_share: float = option.field(
    0.0, "Share that goes to a split of its own, to choose on; test is then for reporting alone."
  )
  test_list: str = option.field(
    "", "File with the test images' ids, a line each, instead of a share."
  )
  near_duplicate_bits: int = option.field(
    perceptual.NEAR_BITS,
    "Move test images to training if their 64-bit perceptual hash differs from a training "
    "image's in this many bits or fewer; -1 for none.",
  )
  workers: int = option.field(
    0, "Processes that write shards; 0 for one per core if the job is long."
  )
  max_bad_fraction: float = option.field(0.5, "Fail if a larger share of the images is unusable.")
  overwrite: bool = option.field(
    False, "Replace records of other settings or images in the folder."
  )
  append: bool = option.field(
    False, "Add the images that finished records of these settings lack, as new shards."
  )
  seed: int = option.field(
    0, "Seed of every random decision: drawn images, what is drawn for a tile, and the order."
  )

  def __post_init__(self):
    """Checks every field before any file is touched."""
    self._check_images()
    self._check_qualities()
    tiles.check_tile_size(self.tile_size)
    sampling.check(self.subsampling if self.subsampling != SAMPLED else "420")
    triple.check_clean_encoding(self.clean_encoding)
    plan.check_shards(self.shards)
    for name in ("stride", "tiles_per_image", "min_detail", "workers"):
      if not getattr(self, name) >= 0:
        raise ValueError(f"{name} must be 0 or more, got {getattr(self, name)}.")
    for name in ("gray_share", "max_bad_fraction"):
      if not 0 <= getattr(self, name) <= 1:
        raise ValueError(f"{name} must be in [0, 1], got {getattr(self, name)}.")
    plan.check_shares(self.test_share, self.val_share, listed=bool(self.test_list))
    if self.append and self.overwrite:
      raise ValueError("append and overwrite exclude each other.")
    if not 1 <= self.jpeg_downscale <= 16:
      raise ValueError(f"jpeg_downscale must be in [1, 16], got {self.jpeg_downscale}.")
    if not -1 <= self.near_duplicate_bits <= duplicates.MOST_NEAR_BITS:
      raise ValueError(
        f"near_duplicate_bits must be in [-1, {duplicates.MOST_NEAR_BITS}], got "
        f"{self.near_duplicate_bits}."
      )
    if self.shard_mib < 1:
      raise ValueError(f"shard_mib must be at least 1 MiB, got {self.shard_mib}.")

  def _check_images(self):
    opening.open_source(**self.source_options)  # Checks its arguments, and touches no file.
    if not self.records:
      raise ValueError("records must name the folder to write to, got ''.")

  def _check_qualities(self):
    if not self.qualities:
      raise ValueError("qualities must hold at least one quality, got none.")
    for quality in self.qualities:
      jpeg_tables.check_quality(quality, "each of qualities")
    if len(set(self.qualities)) != len(self.qualities):
      raise ValueError(f"qualities must differ from each other, got {list(self.qualities)}.")
    if not 0 <= self.qualities_per_tile <= len(self.qualities):
      raise ValueError(
        f"qualities_per_tile must be in [0, {len(self.qualities)}], the number of qualities, got "
        f"{self.qualities_per_tile}."
      )

  @property
  def source_options(self) -> dict[str, Any]:
    """The fields that say where the images come from, as arguments of `opening.open_source`."""
    return {name: getattr(self, name) for name in SOURCE_FIELDS}

  @property
  def settings(self) -> dict[str, object]:
    """The fields that decide the bytes of the records, as values that JSON preserves."""
    settings: dict[str, object] = {}
    for field in dataclasses.fields(self):
      if field.name not in _NOT_SETTINGS:
        value = getattr(self, field.name)
        settings[field.name] = list(value) if isinstance(value, tuple) else value
    if not self.graphics_count:
      # Records without drawn images are those of versions that could not draw any.
      for name in _OF_GRAPHICS:
        del settings[name]
    if not self.val_share:
      del settings["val_share"]  # The same for versions without this split.
    if not self.images and not self.source:
      settings["source"] = "packaged"
    return settings
