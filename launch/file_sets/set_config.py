"""What every program that works on a set of files can be asked for."""

import dataclasses

from deblock.records import option

METADATA = ("keep", "strip")
# Above it Pillow refuses by itself.
_MOST_MEGAPIXELS = 178.0
_LEAST_MEMORY = 256


@dataclasses.dataclass(frozen=True)
class SetConfig:
  """The flags that such programs share."""

  out: str = option.field("", "folder to write to; folders below the inputs are kept there")
  suffix: str = option.field("", "added to the names of the results, before the dot")
  overwrite: bool = option.field(
    False, "make finished files again, and replace any file that is in a result's place"
  )
  metadata: str = option.field(
    "keep", "EXIF, colour profile, XMP, comments and so on: keep or strip"
  )
  keep_times: bool = option.field(False, "give each result the times of its input")
  report: str = option.field("", "JSON file to write: what became of each file")
  max_memory: int = option.field(
    2048, "MiB above what the libraries take; larger images are refused"
  )
  max_megapixels: float = option.field(134.0, "larger images are refused before they are decoded")

  def __post_init__(self):
    """Raises ValueError where a field is missing or out of range."""
    if not self.out:
      raise ValueError("out must name a folder: use --out=DIR.")
    if any(part in self.suffix for part in ("/", "\\", "\0")):
      raise ValueError(f"suffix must be a part of a file's name, got {self.suffix!r}.")
    if self.metadata not in METADATA:
      raise ValueError(f"metadata must be one of {', '.join(METADATA)}, got {self.metadata!r}.")
    if self.max_memory < _LEAST_MEMORY:
      raise ValueError(f"max_memory must be at least {_LEAST_MEMORY} MiB, got {self.max_memory}.")
    if not 0 < self.max_megapixels <= _MOST_MEGAPIXELS:
      raise ValueError(
        f"max_megapixels must be in (0, {_MOST_MEGAPIXELS:g}], got {self.max_megapixels:g}."
      )
