"""The baselines that networks are measured against: the JPEG itself, and classic filters.

Filters take and return float images in [0, 1]. Their strength follows the JPEG's quantisation
steps, by factors chosen on validation images. An image of three equal channels is filtered as its
one channel would be.
"""

from collections.abc import Callable, Iterator
import functools

import numpy as np

from deblock.model import tiling
from deblock.records.jpeg import codec
from deblock.records.jpeg import encoders as jpeg_encoders

_SHIFTS = 8
_BILATERAL_RADIUS = 2
_BILATERAL_SIGMA = 1.6  # Pixels.
_BILATERAL_RANGE = 0.5  # Of a step.
_TV_WEIGHT = 0.15  # Of a step.
_NLMEANS_STRENGTH = 0.25  # Of a step.


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


def bilateral(image: np.ndarray, tables: np.ndarray) -> np.ndarray:
  """Returns the bilateral filter of an image (Tomasi and Manduchi, ICCV 1998).

  Each pixel becomes a mean over near pixels of similar colours.

  Args:
    image: float32 [H, W, 3].
    tables: [2, 8, 8], of its JPEG.
  """
  radius = _BILATERAL_RADIUS
  padded = np.pad(image, ((radius, radius), (radius, radius), (0, 0)), "symmetric")
  height, width, _ = image.shape
  reach = np.float32(_BILATERAL_RANGE * _step(tables))
  total = np.zeros_like(image)
  weights = np.zeros((height, width, 1), np.float32)
  for row in range(2 * radius + 1):
    for column in range(2 * radius + 1):
      near = padded[row : row + height, column : column + width]
      apart = ((row - radius) ** 2 + (column - radius) ** 2) / (2.0 * _BILATERAL_SIGMA**2)
      unlike = np.mean(np.square(near - image), axis=2, keepdims=True) / (2.0 * reach**2)
      weight = np.exp(-np.float32(apart) - unlike)
      total += weight * near
      weights += weight
  return total / weights


def nlmeans(image: np.ndarray, tables: np.ndarray) -> np.ndarray:
  """Returns the non-local means of an image (Buades, Coll and Morel, CVPR 2005).

  Each pixel becomes a mean over pixels with similar surroundings. Arguments: see `bilateral`.
  """
  from skimage import restoration  # Here, so that settings are checked without it.

  strength = _NLMEANS_STRENGTH * _step(tables)
  return restoration.denoise_nl_means(
    image, patch_size=5, patch_distance=5, h=strength, fast_mode=True, channel_axis=2
  ).astype(np.float32)


def tv(image: np.ndarray, tables: np.ndarray) -> np.ndarray:
  """Returns an image after total variation denoising (Rudin, Osher and Fatemi 1992).

  Chambolle's algorithm (2004), channel by channel. Arguments are those of `bilateral`.
  """
  weight = _TV_WEIGHT * _step(tables)
  from skimage import restoration  # As above.

  return restoration.denoise_tv_chambolle(
    image, weight=weight, eps=1e-4, max_num_iter=100, channel_axis=2
  ).astype(np.float32)


def reencodings(image: np.ndarray, tables: np.ndarray, subsampling: str = "420") -> np.ndarray:
  """Returns the mean of the JPEGs of an image on 64 shifted grids (Nosratinia 2001).

  "Enhancement of JPEG-compressed images by re-application of JPEG", J. VLSI Signal Processing 27.
  Each of them has its block edges elsewhere. The first is nearly the image itself.

  Args:
    image: float32 [H, W, 3].
    tables: [2, 8, 8], of its JPEG; the nearest IJG quality is used.
    subsampling: of its colours.
  """
  quality = jpeg_encoders.nearest_quality(tables)
  samples = np.rint(255.0 * image).astype(np.uint8)
  total = np.zeros(samples.shape, np.int32)
  for top in range(_SHIFTS):
    for left in range(_SHIFTS):
      shifted = np.pad(samples, ((top, 0), (left, 0), (0, 0)), "edge")
      decoded = codec.decode(codec.encode(shifted, quality, subsampling))
      total += decoded[top:, left:]
  return total.astype(np.float32) / np.float32(255.0 * _SHIFTS**2)


def _identity(image, tables):
  del tables
  return image


def _step(tables: np.ndarray) -> float:
  """Returns the mean luma step of the lowest frequencies, divided by 255."""
  return float(np.mean(tables[0, :3, :3])) / 255.0


_FILTERS: dict[str, Callable] = {
  "identity": _identity,
  "bilateral": bilateral,
  "nlmeans": nlmeans,
  "reencodings": reencodings,
  "tv": tv,
}
NAMES = tuple(_FILTERS)


def load(name: str, subsampling: str = "420") -> Baseline:
  """Returns a baseline.

  Args:
    name: one of `NAMES`.
    subsampling: of the colours of the JPEGs; the re-encodings use it too.
  Raises:
    ValueError: if the name is unknown.
  """
  if name not in _FILTERS:
    raise ValueError(f"a baseline must be one of {', '.join(NAMES)}, got {name!r}.")
  smooth = _FILTERS[name]
  if name == "reencodings":
    smooth = functools.partial(smooth, subsampling=subsampling)
  return Baseline(smooth)
