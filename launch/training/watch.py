"""How a network does on held-out tiles while it is trained, and the best that it has done."""

from collections.abc import Callable, Mapping
import dataclasses
import math
from typing import Any, NamedTuple

import keras
import numpy as np

from deblock.launch.evaluation import figures as figures_lib
from deblock.launch.pictures import side_by_side
from deblock.launch.run_folder import history
from deblock.launch.settings import optimization as optimization_settings
from deblock.launch.settings import train as train_settings
from deblock.launch.training import optimization
from deblock.model import restorer
from deblock.model.networks import registry
from deblock.pipeline import held_out
from deblock.records import typed_values
from deblock.records.jpeg import tables as jpeg_tables
from deblock.records.layout import manifest as manifest_lib

_GAIN = "eval/gain_db/q"

Restore = Callable[[np.ndarray, np.ndarray], np.ndarray]


class Seen(NamedTuple):
  """The results of an evaluation.

  Attributes:
    scalars: by series, then by name: gain over the JPEG, PSNR, PSNR-B and SSIM of each quality, and
      the mean gain over qualities. The JPEGs are a series too, without gains. Empty without tiles.
    sheets: pictures of the first tile by name, uint8 [H, W, 3], of the first series.
  """

  scalars: dict[str, dict[str, float]]
  sheets: dict[str, np.ndarray]


class Watch:
  """Evaluates a network on held-out tiles while it trains, at a few qualities or all.

  Args:
    make_restorers: returns restorers with the present weights, by series; called each time. The
      first is `history.MAIN`, the network as it is trained; others, such as averaged weights, are
      drawn beside it.
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
    stored = run.input.qualities or manifest.qualities
    qualities = train_settings.evaluated_qualities(run.watching, stored)
    tiles = held_out.tiles(run.input, manifest, run.watching.evaluation_tiles, qualities)
    self._tiles = list(tiles.as_numpy_iterator())

  def is_blind(self) -> bool:
    """Returns whether there is no tile to evaluate on."""
    return not self._tiles

  def __call__(self) -> Seen:
    """Returns the results with the present weights."""
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
  """Returns a line for each series except the JPEGs', with its gain at every quality."""
  found = []
  for series, scalars in seen.scalars.items():
    gains = [
      f"{value:+.3f} dB at quality {name.removeprefix(_GAIN)}"
      for name, value in scalars.items()
      if name.startswith(_GAIN)
    ]
    if gains:
      whose = f" of {series} weights" if series else ""
      found.append(f"held-out gain{whose} {', '.join(gains)}")
  return found


def present_restorers(
  run: train_settings.RunConfig,
  entry: registry.Entry,
  trained: keras.Model,
  rules: optimization.UpdateRules,
) -> Callable[[], dict[str, restorer.Restorer]]:
  """Returns a function that makes restorers of the present weights, by series, averages included.

  They compute in float32, as the trained network will. Each evaluation makes new ones: constant
  weights save more time than compiling costs.

  Args:
    run: all settings.
    entry: of the network in the registry.
    trained: the network that learns.
    rules: its update rules.
  """
  plain = not rules.averages and run.optimization.precision == optimization_settings.FLOAT32
  copy = trained if plain else entry.build(run.model.width, run.model.residual)
  current = {history.MAIN: [weight.value for weight in trained.weights]}
  if rules.averages:
    current[history.AVERAGED] = rules.averages

  def make():
    made = {}
    for series, values in current.items():
      if not plain:
        for weight, value in zip(copy.weights, values, strict=True):
          weight.assign(value.numpy())
      made[series] = restorer.Restorer(copy, entry, constant=True)
    return made

  return make


@dataclasses.dataclass(frozen=True)
class BestSoFar:
  """The best evaluation so far.

  Attributes:
    metric: name of the figure, as in `figure`; higher is better.
    value: its highest value; None before the first evaluation.
    step: of that evaluation.
    since: number of evaluations since then.
  """

  metric: str
  value: float | None = None
  step: typed_values.Count = 0
  since: typed_values.Count = 0

  def after(self, step: int, scalars: Mapping[str, float]) -> "BestSoFar":
    """Returns the best after one more evaluation; the same if it had no figures at all.

    Raises:
      ValueError: if none of its figures is the metric.
    """
    if not scalars:
      return self
    value = figure(self.metric, scalars)
    if not math.isnan(value) and (self.value is None or value > self.value):
      return BestSoFar(self.metric, value, step)
    return dataclasses.replace(self, since=self.since + 1)

  def is_over(self, most: int) -> bool:
    """Returns whether the last `most` evaluations were not the best; False if `most` is 0."""
    return 0 < most <= self.since


def loaded_best(metric: str, saved: Mapping[str, Any] | None) -> BestSoFar:
  """Returns the `BestSoFar` that `dataclasses.asdict` saved; a new one for another metric."""
  if not saved:
    return BestSoFar(metric)
  found = typed_values.build(BestSoFar, saved, "the checkpoint's best evaluation")
  return found if found.metric == metric else BestSoFar(metric)


def figure(metric: str, scalars: Mapping[str, float]) -> float:
  """Returns a figure by its full name, "eval/psnr_db/q10", or the mean over all qualities.

  Args:
    metric: full name, or the name without the quality: "eval/psnr_db".
    scalars: figures by their full names.
  Raises:
    ValueError: if there is no such figure; names the figures that there are.
  """
  if metric in scalars:
    return float(scalars[metric])
  values = [value for name, value in scalars.items() if name.rpartition("/q")[0] == metric]
  if not values:
    raise ValueError(f"best_metric must be one of {', '.join(sorted(scalars))}, got {metric!r}.")
  return math.fsum(values) / len(values)


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
