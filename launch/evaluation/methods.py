"""The methods that are measured, by name: pretrained networks, networks of runs, baselines."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from deblock.launch.evaluation import baselines, settings
from deblock.launch.restoring import network
from deblock.launch.run_folder import checkpoint_folder
from deblock.model import tiling


class Method(NamedTuple):
  """A way to restore JPEGs.

  Attributes:
    name: in tables: of pretrained weights or of a baseline, or a run's folder.
    restore: maps uint8 [H, W, 3] JPEG pixels and their [2, 8, 8] quantisation tables to uint8
      [H, W, 3] restored pixels. Gray JPEGs and faithful results need its method `parts` too.
  """

  name: str
  restore: Callable[[np.ndarray, np.ndarray], np.ndarray] | tiling.Tiled | baselines.Baseline


def load(
  models: Sequence[str],
  logdirs: Sequence[str],
  subsampling: str = "420",
  checkpoint: str = "",
  weights: str = checkpoint_folder.AUTO,
  self_ensemble: bool = False,
) -> list[Method]:
  """Returns the methods, networks of runs first.

  Args:
    models: names from `names`, and paths of exported networks.
    logdirs: folders of runs.
    subsampling: of the colours of the JPEGs.
    checkpoint: of the runs, as in `saved_weights.load_network`.
    weights: of the runs, as in `saved_weights.load_network`.
    self_ensemble: whether networks take the mean over eight positions of an image. Their names
      then end in "+", as is usual in this field. Baselines ignore it.
  Raises:
    FileNotFoundError: if there is no run or no checkpoint.
    ValueError: if a checkpoint does not fit its network, a name is unknown, or pretrained weights
      are damaged.
  """
  mark = "+" if self_ensemble else ""
  loaded = []
  for logdir in logdirs:
    # Only runs need TensorFlow.
    from deblock.launch.run_folder import saved_weights
    from deblock.model import restorer

    trained = saved_weights.load_network(logdir, checkpoint, weights)
    restore = restorer.Restorer(
      trained.network, trained.entry, constant=True, ensemble=self_ensemble
    )
    loaded.append(Method(logdir + mark, restore))
  for name in models:
    if settings.check_model(name) in baselines.NAMES:
      loaded.append(Method(name, baselines.load(name, subsampling)))
    else:
      loaded.append(Method(name + mark, network.load(name, self_ensemble=self_ensemble)))
  return loaded


def warm(methods: Sequence[Method]) -> None:
  """Restores a small image with each method, to keep compilation out of the first measured time."""
  tables = np.ones((2, 8, 8), np.int32)
  for method in methods:
    method.restore(np.zeros((64, 64, 3), np.uint8), tables)
