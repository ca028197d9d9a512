"""What is measured, by name: networks that ship, networks of runs, and baselines."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from deblock.launch.evaluation import baselines
from deblock.launch.restoring import network
from deblock.launch.run_folder import saved_weights
from deblock.model import pretrained, tiling


class Method(NamedTuple):
  """A way to restore JPEGs.

  Attributes:
    name: in tables: that of weights that ship, of a baseline, or a run's folder.
    restore: uint8 [H, W, 3] JPEG pixels and their [2, 8, 8] quantisation tables to uint8 [H, W, 3]
      restored pixels. Gray JPEGs and faithful results need one that yields `parts` too.
  """

  name: str
  restore: Callable[[np.ndarray, np.ndarray], np.ndarray] | tiling.Tiled | baselines.Baseline


def names() -> tuple[str, ...]:
  """Returns every name that `load` knows, networks first."""
  return (*pretrained.names(), *baselines.NAMES)


def check_name(name: str) -> str:
  """Returns the name of a network that ships or of a baseline after checking it.

  Raises:
    ValueError: if there is none of that name.
  """
  if name not in names():
    raise ValueError(f"model must be one of {', '.join(names())}, got {name!r}.")
  return name


def load(
  models: Sequence[str],
  logdirs: Sequence[str],
  subsampling: str = "420",
  checkpoint: str = "",
  weights: str = saved_weights.AUTO,
  self_ensemble: bool = False,
) -> list[Method]:
  """Returns the methods, networks of runs first.

  Args:
    models: names out of `names`.
    logdirs: folders of runs.
    subsampling: of the colours of the JPEGs.
    checkpoint: of the runs, as `trained.load` takes it.
    weights: of the runs, as `trained.load` takes them.
    self_ensemble: whether networks restore everything in its eight positions; a "+" behind their
      names tells so, as usual in this field. Baselines do not.
  Raises:
    FileNotFoundError: if there is no run or no checkpoint.
    ValueError: if they do not fit each other, a name is unknown, or shipped weights are damaged.
  """
  mark = "+" if self_ensemble else ""
  loaded = []
  for logdir in logdirs:
    restore = network.load(
      logdir=logdir, checkpoint=checkpoint, weights=weights, self_ensemble=self_ensemble
    )
    loaded.append(Method(logdir + mark, restore))
  for name in models:
    if check_name(name) in baselines.NAMES:
      loaded.append(Method(name, baselines.load(name, subsampling)))
    else:
      loaded.append(Method(name + mark, network.load(name, self_ensemble=self_ensemble)))
  return loaded


def warm(methods: Sequence[Method]) -> None:
  """Restores a little with each, so that the time of its first image holds no compilation."""
  tables = np.ones((2, 8, 8), np.int32)
  for method in methods:
    method.restore(np.zeros((64, 64, 3), np.uint8), tables)
