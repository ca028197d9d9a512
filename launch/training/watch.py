"""How a network does on held-out tiles while it is trained."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from deblock.launch.evaluation import figures as figures_lib
from deblock.launch.pictures import side_by_side
from deblock.launch.run_folder import history
from deblock.launch.settings import train as train_settings
from deblock.pipeline import dataset
from deblock.records.jpeg import tables as jpeg_tables
from deblock.records.layout import manifest as manifest_lib

_GAIN = "eval/gain_db/q"

Restore = Callable[[np.ndarray, np.ndarray], np.ndarray]


class Seen(NamedTuple):
  """What an evaluation found.

  Attributes:
    scalars: by series and then by name: gain over the JPEG, PSNR, PSNR-B and SSIM of each quality,
      and the mean gain of all; of the JPEGs themselves, which are a series too, without gains.
      Nothing if there are no tiles.
    sheets: pictures of the first tile by name, uint8 [H, W, 3]; of the first series.
  """

  scalars: dict[str, dict[str, float]]
  sheets: dict[str, np.ndarray]


class Watch:
  """Evaluates a network on held-out tiles while it trains, at every stored quality.

  Args:
    make_restorers: returns what restores with the present weights, by series; asked each time.
      `history.MAIN`, which must come first, is the network as it is trained; others, such as
      averaged weights, are drawn beside it.
    run: all settings.
    manifest: of the records that hold the tiles.
  """

  def __init__(
    self,
    make_restorers: Callable[[], Mapping[str, Restore]],
    run: train_settings.RunConfig,
    manifest: manifest_lib.Manifest,
  ):
    self._make_restorers = make_restorers
    tiles = dataset.evaluation_tiles(run.input, manifest, run.train.evaluation_tiles)
    self._tiles = list(tiles.as_numpy_iterator())

  def __call__(self) -> Seen:
    """Returns what is seen now."""
    scalars: dict[str, dict[str, float]] = {}
    sheets: dict[str, np.ndarray] = {}
    for series, restore in self._make_restorers().items():
      rows = []
      for tile, quality, clean, jpeg in self._pairs():
        restored = restore(jpeg, jpeg_tables.quantization_tables(quality))
        rows.append(figures_lib.compare(f"held-out tile {tile}", quality, clean, jpeg, restored))
        if not sheets:
          sheet = side_by_side.with_errors(clean, jpeg, restored, rows[-1])
          sheets[f"eval/tile_{tile}/q{quality}"] = sheet
      means = figures_lib.means(rows)
      if means:
        scalars[series] = _of_network(means)
        scalars[history.JPEG] = _of_jpeg(means)
    return Seen(scalars, sheets)

  def _pairs(self):
    for tile, (clean, compressed, qualities) in enumerate(self._tiles):
      for jpeg, quality in zip(compressed, qualities, strict=True):
        yield tile, int(quality), clean, jpeg


def lines(seen: Seen) -> list[str]:
  """Returns, for each series but the JPEGs', a line that tells its gain at every quality."""
  told = []
  for series, scalars in seen.scalars.items():
    gains = [
      f"{value:+.3f} dB at quality {name.removeprefix(_GAIN)}"
      for name, value in scalars.items()
      if name.startswith(_GAIN)
    ]
    if gains:
      whose = f" of {series} weights" if series else ""
      told.append(f"gain{whose} over JPEG on held-out tiles {', '.join(gains)}")
  return told


def _of_network(means):
  scalars = {}
  for row in means:
    scalars[f"{_GAIN}{row.quality}"] = row.gain
    scalars |= _figures(row.quality, row.psnr, row.psnr_b, row.ssim)
  scalars["eval/gain_db/mean"] = sum(row.gain for row in means) / len(means)
  return scalars


def _of_jpeg(means):
  scalars: dict[str, float] = {}
  for row in means:
    scalars |= _figures(row.quality, row.psnr_jpeg, row.psnr_b_jpeg, row.ssim_jpeg)
  return scalars


def _figures(quality, psnr, psnr_b, ssim):
  figures = {"psnr_db": psnr, "psnr_b_db": psnr_b, "ssim": ssim}
  return {f"eval/{name}/q{quality}": value for name, value in figures.items()}
