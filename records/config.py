"""What is asked of the writer of records. Each field is one flag of its program."""

import dataclasses

from deblock.records import codec, jpeg_tables, plan, tiles

SOURCES = ("kodak", "packaged")

# Where, how fast and how leniently: none of these changes a byte of the records.
_NOT_SETTINGS = frozenset(("records", "workers", "max_bad_fraction"))


def _field(default, help_line):
  return dataclasses.field(default=default, metadata={"help": help_line})


@dataclasses.dataclass(frozen=True)
class RecordsConfig:
  """Settings of one folder of records; metadata["help"] of each field says what it means.

  Raises:
    ValueError: naming the field, its value and the rule that it breaks.
  """

  images: str = _field("", "Folder, glob or file of clean images.")
  source: str = _field("", "Known set instead of --images: kodak or packaged (the default).")
  records: str = _field("", "Folder to write the records to.")
  qualities: tuple[int, ...] = _field((25,), "JPEG qualities, 1 to 100, stored of each tile.")
  tile_size: int = _field(256, "Side of the tiles, a multiple of 16; 0 keeps images whole.")
  shards: str = _field("auto", "Files per split: a number, or auto for one per 8 images.")
  test_share: float = _field(0.2, "Share of the images that goes to the test split, 0 to 1.")
  subsampling: str = _field("420", "Chroma subsampling of the JPEGs: 444, 422 or 420.")
  workers: int = _field(1, "Processes that write shards; 0 means one per core.")
  max_bad_fraction: float = _field(0.5, "Fail if a larger share of the images is unusable.")
  seed: int = _field(0, "Seed of the order of the records within a shard.")

  def __post_init__(self):
    """Checks every field before any file is touched."""
    if self.images and self.source:
      raise ValueError(
        f"images and source exclude each other, got {self.images!r} and {self.source!r}."
      )
    if self.source and self.source not in SOURCES:
      raise ValueError(f"source must be one of {', '.join(SOURCES)}, got {self.source!r}.")
    if not self.records:
      raise ValueError("records must name the folder to write to, got ''.")
    if not self.qualities:
      raise ValueError("qualities must hold at least one quality, got none.")
    for quality in self.qualities:
      try:
        jpeg_tables.check_quality(quality)
      except ValueError as error:
        raise ValueError(f"qualities must be in [1, 100], got {quality}.") from error
    if len(set(self.qualities)) != len(self.qualities):
      raise ValueError(f"qualities must differ from each other, got {list(self.qualities)}.")
    tiles.check_tile_size(self.tile_size)
    plan.shard_count(self.shards, 1)
    plan.assign_splits((), self.test_share)
    codec.check_subsampling(self.subsampling)
    if self.workers < 0:
      raise ValueError(f"workers must be 0 (all cores) or more, got {self.workers}.")
    if not 0 <= self.max_bad_fraction <= 1:
      raise ValueError(f"max_bad_fraction must be in [0, 1], got {self.max_bad_fraction}.")

  @property
  def settings(self) -> dict[str, object]:
    """The fields that decide the bytes of the records, as values that JSON keeps unchanged."""
    settings: dict[str, object] = {}
    for field in dataclasses.fields(self):
      if field.name not in _NOT_SETTINGS:
        value = getattr(self, field.name)
        settings[field.name] = list(value) if isinstance(value, tuple) else value
    if not self.images and not self.source:
      settings["source"] = "packaged"
    return settings
