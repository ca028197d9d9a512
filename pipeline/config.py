"""The options of the input pipeline, as one value."""

import dataclasses

from deblock.pipeline import damage_config, distributions
from deblock.records import option, paths
from deblock.records.jpeg import sampling as jpeg_sampling
from deblock.records.jpeg import tables as jpeg_tables

JPEGS = ("libjpeg", "jpegsim")


@dataclasses.dataclass(frozen=True)
class InputConfig(damage_config.DamageConfig):
  """The records and how batches are made of them; saved with a run."""

  records: str = option.field("", "folder that deblock-records wrote")
  sampling: str = option.field(
    "crops",
    "crops: random crops of the training tiles; pairs: every block with its neighbours "
    "once an epoch, zeros beyond the image's border",
  )
  crop_size: int = option.field(24, "side of a crop in pixels, surroundings included")
  batch_size: int = option.field(32, "crops in a batch, over all replicas")
  qualities: tuple[int, ...] = option.field(
    (), "stored qualities to train on; all of them if empty"
  )
  degradation: str = option.field(
    "stored",
    "stored: JPEGs of the records; online: each crop is compressed again, at a quality of "
    "--online_qualities",
  )
  online_qualities: str = option.field(
    "5-95",
    "degradation=online: qualities to draw from: 10,20,30 or 5-95 or weighted lists, "
    "0.75*10-60:10+0.25*8-96, which is also named fbcnn",
  )
  jpeg: str = option.field(
    "libjpeg", "degradation=online: libjpeg, or jpegsim, tensor operations that give the same bits"
  )
  crops_per_tile: int = option.field(16, "crops cut from a tile each time it is decoded")
  mixed_tiles: int = option.field(32, "tiles whose crops are shuffled together")
  shuffled_tiles: int = option.field(512, "tiles in the shuffle buffer, still compressed")
  augment: bool = option.field(True, "flip and turn each crop in one of eight ways")
  data_service: str = option.field(
    "",
    "grpc://host:port of a deblock-data-service whose workers make the training batches, the "
    "same ones in another order; if empty, this machine makes them",
  )
  held_out_pairs: float = option.field(
    0.2, "sampling=pairs: share of the pairs, from the first on, held out for testing"
  )
  on_bad_record: str = option.field(
    "stop",
    "stop: a bad record ends the run with its file and number; skip: checks all records before "
    "training, and excludes and lists the bad ones",
  )
  max_bad_share: float = option.field(
    0.01, "on_bad_record=skip: largest share of the training records that may be bad"
  )

  def __post_init__(self):
    """Raises ValueError where a field is out of range."""
    super().__post_init__()
    if self.sampling not in ("crops", "pairs"):
      raise ValueError(f"sampling must be crops or pairs, got {self.sampling!r}.")
    if self.crop_size <= 0 or self.crop_size % jpeg_sampling.BLOCK:
      raise ValueError(
        f"crop_size must be a multiple of 8, the JPEG block side, got {self.crop_size}."
      )
    for name in ("batch_size", "crops_per_tile", "mixed_tiles", "shuffled_tiles"):
      if getattr(self, name) < 1:
        raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}.")
    if self.degradation not in ("stored", "online"):
      raise ValueError(f"degradation must be stored or online, got {self.degradation!r}.")
    check_jpeg(self.jpeg)
    distributions.of_qualities(self.online_qualities)
    if self.degradation == "online" and (self.sampling == "pairs" or self.qualities):
      raise ValueError(
        "degradation=online goes with sampling=crops and without --qualities, which choose among "
        f"stored JPEGs, got {self.sampling!r} and {list(self.qualities)}."
      )
    damage_config.check_goes_with(self, self.sampling, self.degradation)
    for quality in self.qualities:
      jpeg_tables.check_quality(quality, "each of qualities")
    if self.data_service:
      paths.parse_address("data_service", self.data_service)
      if self.sampling == "pairs":
        raise ValueError(
          "data_service goes with sampling=crops, as pairs are cut from images held in memory, "
          f"got {self.sampling!r} and {self.data_service!r}."
        )
    if self.on_bad_record not in ("stop", "skip"):
      raise ValueError(f"on_bad_record must be stop or skip, got {self.on_bad_record!r}.")
    if not 0.0 <= self.max_bad_share < 1.0:
      raise ValueError(f"max_bad_share must be in [0, 1), got {self.max_bad_share}.")
    if not 0.0 <= self.held_out_pairs < 1.0:
      raise ValueError(f"held_out_pairs must be in [0, 1), got {self.held_out_pairs}.")
    if self.sampling == "crops" and (self.crops_per_tile * self.mixed_tiles) % self.batch_size:
      raise ValueError(
        "crops_per_tile times mixed_tiles must be a multiple of batch_size, got "
        f"{self.crops_per_tile} * {self.mixed_tiles} and {self.batch_size}."
      )


def check_jpeg(jpeg: str) -> str:
  """Returns the name of a JPEG implementation after checking it.

  Raises:
    ValueError: if it is neither libjpeg nor jpegsim.
  """
  if jpeg not in JPEGS:
    raise ValueError(f"jpeg must be one of {', '.join(JPEGS)}, got {jpeg!r}.")
  return jpeg
