"""What a search may ask of one image: the size of a JPEG of it, and how good that is, restored."""

import collections
from collections.abc import Callable
import functools
import io
from typing import NamedTuple

import numpy as np
from PIL import Image

from deblock.launch.compressing import ladder
from deblock.launch.evaluation import measures
from deblock.launch.restoring import photograph
from deblock.model import tiling
from deblock.records.photos import metadata as metadata_lib
from deblock.records.photos import original, saving

_PERFECT = 1000.0  # In place of infinite decibels, with which one cannot calculate.
_FILES_KEPT = 4  # Of the last trials: the file that is found is among them, or is encoded again.


class Kind(NamedTuple):
  """A kind of JPEG.

  Attributes:
    family: of its tables, one of `families.FAMILIES`.
    sampling: of its chroma, such as "4:2:0".
  """

  family: str
  sampling: str


class Trials:
  """An image, tried as JPEGs of many kinds and tables.

  Attributes:
    encoded: number of JPEGs that were encoded.
    restored: number of JPEGs whose quality was measured.
  """

  def __init__(
    self,
    samples: np.ndarray,
    restore: Callable[[bytes], np.ndarray],
    measure: str,
    overhead: int = 0,
  ):
    """Makes no trial yet.

    Args:
      samples: the image, uint8 [H, W, 3] or [H, W].
      restore: from the bytes of a JPEG to pixels of the image's shape and type.
      measure: one of `measures.MEASURES`.
      overhead: bytes of the metadata, which count.
    """
    self.encoded = self.restored = 0
    self._samples = samples
    self._restore = restore
    self._measure = measures.MEASURES[measure].of
    self._overhead = overhead
    self._sizes: dict[tuple[Kind, int], int] = {}
    self._qualities: dict[tuple[Kind, int], float] = {}
    self._files: collections.OrderedDict[tuple[Kind, int], bytes] = collections.OrderedDict()

  def size(self, kind: Kind, rung: int) -> int:
    """Returns the bytes of a file with its metadata."""
    if (kind, rung) not in self._sizes:
      self.file(kind, rung)
    return self._sizes[kind, rung]

  def quality(self, kind: Kind, rung: int) -> float:
    """Returns the measure of the file against the image."""
    if (kind, rung) not in self._qualities:
      restored = self._restore(self.file(kind, rung))
      found = measured(self._measure, restored, self._samples)
      self._qualities[kind, rung] = min(found, _PERFECT)
      self.restored += 1
    return self._qualities[kind, rung]

  def file(self, kind: Kind, rung: int) -> bytes:
    """Returns the bytes of a file without metadata."""
    if (kind, rung) not in self._files:
      self._files[kind, rung] = encode(self._samples, kind, rung)[0]
      self._sizes[kind, rung] = len(self._files[kind, rung]) + self._overhead
      self.encoded += 1
    self._files.move_to_end((kind, rung))
    if len(self._files) > _FILES_KEPT:
      self._files.popitem(last=False)
    return self._files[kind, rung]


def encode(
  samples: np.ndarray,
  kind: Kind,
  rung: int,
  metadata: metadata_lib.Metadata | None = None,
) -> tuple[bytes, tuple[str, ...]]:
  """Returns a JPEG with optimised Huffman tables, and notes on its metadata."""
  tables = ladder.tables(ladder.shape(kind.family, kind.sampling), rung)
  return saving.encode_jpeg(samples, metadata or metadata_lib.Metadata(), tables, kind.sampling)


def measured(
  measure: Callable[[np.ndarray, np.ndarray], np.ndarray], made: np.ndarray, samples: np.ndarray
) -> float:
  """Returns a measure of 8-bit images, [H, W, 3] or [H, W]."""
  pair = (np.atleast_3d(image)[np.newaxis] / np.float32(255.0) for image in (made, samples))
  return float(measure(*pair)[0])


def decoded(data: bytes) -> np.ndarray:
  """Returns the pixels of a JPEG of `encode` as a viewer shows them."""
  with Image.open(io.BytesIO(data)) as picture:
    return np.asarray(picture)


def restored_by(network: tiling.Tiled) -> Callable[[bytes], np.ndarray]:
  """Returns the function from a JPEG to its pixels as `deblock-restore` restores them."""
  return functools.partial(_restored, network)


def _restored(network, data):
  return photograph.restore_original(original.decode(data, "a trial"), network).samples
