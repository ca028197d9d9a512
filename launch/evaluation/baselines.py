"""What networks are measured against: the JPEG itself, and classic filters."""

from collections.abc import Callable, Iterator
import functools

import numpy as np

from deblock.launch.evaluation import filters
from deblock.model import tiling


def _identity(image, tables):
  del tables
  return image


_FILTERS: dict[str, Callable] = {
  "identity": _identity,
  "bilateral": filters.bilateral,
  "nlmeans": filters.nlmeans,
  "reencodings": filters.reencodings,
  "tv": filters.tv,
}
NAMES = tuple(_FILTERS)


class Baseline:
  """A filter that is run over an image as `tiling.Tiled` runs a network.

  Args:
    smooth: float32 [H, W, 3] in [0, 1] and [2, 8, 8] quantisation steps to float32 [H, W, 3].
  """

  def __init__(self, smooth: Callable[[np.ndarray, np.ndarray], np.ndarray]):
    self._smooth = smooth

  def __call__(self, compressed: np.ndarray, tables: np.ndarray) -> np.ndarray:
    """Returns the filtered image, rounded to uint8 [H, W, 3].

    Args:
      compressed: uint8 [H, W, 3], a decoded JPEG whose block grid starts at its first pixel.
      tables: [2, 8, 8], its quantisation steps of luma and chroma, natural order.
    """
    ((_, _, smoothed),) = self.parts(compressed, tables)
    return tiling.to_bytes(smoothed)

  def parts(self, compressed: np.ndarray, tables: np.ndarray) -> Iterator[tiling.Part]:
    """Yields the filtered image as one part, not rounded yet; arguments are those of the call."""
    image = compressed / np.float32(255.0)
    yield tiling.Part(0, 0, self._smooth(image, np.asarray(tables)))


def load(name: str, subsampling: str = "420") -> Baseline:
  """Returns a baseline.

  Args:
    name: one of `NAMES`.
    subsampling: of the colours of the JPEGs, which the mean of re-encodings repeats.
  Raises:
    ValueError: if there is none of that name.
  """
  if name not in _FILTERS:
    raise ValueError(f"a baseline must be one of {', '.join(NAMES)}, got {name!r}.")
  smooth = _FILTERS[name]
  if name == "reencodings":
    smooth = functools.partial(smooth, subsampling=subsampling)
  return Baseline(smooth)
