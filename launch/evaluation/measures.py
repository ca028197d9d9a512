"""The metrics that images are measured with, by name."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from deblock.model import metrics, ssimulacra2
from deblock.records.jpeg import sampling as jpeg_sampling


class Measure(NamedTuple):
  """A metric.

  Attributes:
    title: in tables.
    of: (restored, clean), both float [B, H, W, C] in [0, 1], to float64 [B].
    smallest_side: pixels that an image needs on each side.
    decimals: that tables show.
    unit: of the figures.
  """

  title: str
  of: Callable[[np.ndarray, np.ndarray], np.ndarray]
  smallest_side: int
  decimals: int
  unit: str = ""


MEASURES = {
  "psnr": Measure("PSNR", metrics.psnr, 1, 3, "dB"),
  "ssim": Measure("SSIM", metrics.ssim, metrics.SSIM_WINDOW, 4),
  "psnr_b": Measure("PSNR-B", metrics.psnr_b, jpeg_sampling.BLOCK + 1, 3, "dB"),
  "ssimulacra2": Measure("SSIMULACRA 2", ssimulacra2.ssimulacra2, ssimulacra2.SMALLEST_SIDE, 2),
}
# Those of the published protocol.
USUAL = ("psnr", "ssim", "psnr_b")


def check(names: Sequence[str]) -> None:
  """Raises ValueError if a metric is unknown or named twice, or PSNR, which gains need, is not."""
  for name in names:
    if name not in MEASURES:
      raise ValueError(f"metrics must be some of {', '.join(MEASURES)}, got {name!r}.")
  if len(set(names)) < len(names):
    raise ValueError(f"metrics must name each once, got {','.join(names)}.")
  if "psnr" not in names:
    raise ValueError(f"metrics must name psnr, which the gains are of, got {','.join(names)!r}.")


def smallest_side(names: Sequence[str]) -> int:
  """Returns the pixels that an image needs on each side to be measured with these metrics."""
  return max(MEASURES[name].smallest_side for name in names)
