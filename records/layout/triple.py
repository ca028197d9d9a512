"""A training record on the host: a clean tile and its compressed versions."""

import dataclasses

import numpy as np

from deblock.records.jpeg import tables as jpeg_tables

CLEAN_ENCODINGS = ("raw", "png")  # How a record stores the clean tile.


@dataclasses.dataclass(frozen=True, eq=False)
class PatchTriple:
  """One clean tile with one JPEG stream per quality.

  One value has all qualities, so that the clean pixels are stored once. Values are compared by
  identity, because arrays have no single truth value.

  Attributes:
    clean: uint8 [H, W, 3], RGB, full range.
    compressed: JPEG streams, one per quality, each decoding to the same H and W.
    qualities: IJG quality factors in [1, 100], in the order of `compressed`.
    key: stable name "image-id/row/column" (of the tile's corner, in pixels); decides its order.
  Raises:
    ValueError: if a field breaks these rules. The size of the streams is not checked.
  """

  clean: np.ndarray
  compressed: tuple[bytes, ...]
  qualities: tuple[int, ...]
  key: str

  def __post_init__(self):
    """Checks types, shapes and lengths."""
    clean = self.clean
    if not isinstance(clean, np.ndarray) or clean.dtype != np.uint8:
      got = getattr(clean, "dtype", type(clean).__name__)
      raise ValueError(f"clean must be a uint8 array, got {got}.")
    if clean.ndim != 3 or clean.shape[2] != 3 or 0 in clean.shape:
      raise ValueError(f"clean must have shape [H, W, 3] and pixels, got {list(clean.shape)}.")
    if not isinstance(self.compressed, tuple) or not isinstance(self.qualities, tuple):
      raise ValueError("compressed and qualities must be tuples.")
    if not self.compressed or len(self.compressed) != len(self.qualities):
      raise ValueError(
        "compressed and qualities must have the same length, at least 1, got "
        f"{len(self.compressed)} and {len(self.qualities)}."
      )
    if not all(isinstance(stream, bytes) and stream for stream in self.compressed):
      raise ValueError("every stream of compressed must be non-empty bytes.")
    for quality in self.qualities:
      jpeg_tables.check_quality(quality, "each of qualities")
    if not isinstance(self.key, str) or not self.key:
      raise ValueError(f"key must be a non-empty string, got {self.key!r}.")


def check_clean_encoding(clean_encoding: str) -> str:
  """Returns the encoding of clean tiles after checking it.

  Raises:
    ValueError: if it is neither raw nor png.
  """
  if clean_encoding not in CLEAN_ENCODINGS:
    raise ValueError(
      f"clean_encoding must be one of {', '.join(CLEAN_ENCODINGS)}, got {clean_encoding!r}."
    )
  return clean_encoding
