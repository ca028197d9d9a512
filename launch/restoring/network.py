"""Networks with weights, ready for whole images: those that ship, and those of runs."""

import math

from deblock.launch.run_folder import run_file, saved_weights
from deblock.model import pretrained, restorer, tiling
from deblock.model.networks import registry

# Measured as the growth of the process above what was in use before, for each pixel of a tile with
# its context: 840 for deblocknet and 430 for deblocknet_fast at most, in tiles of 256 to 768.
_WINDOW_BYTES_PER_PIXEL = 900
_SMALLEST_TILE = 64
_GRID = 16  # Of chroma blocks, so that a tile has whole ones.


def load(
  model: str = "",
  logdir: str = "",
  window_bytes: int = 0,
  checkpoint: str = "",
  weights: str = saved_weights.AUTO,
  self_ensemble: bool = False,
) -> tiling.Tiled:
  """Returns a network and how it is run over images of any size.

  Args:
    model: name of weights that ship with deblock; empty to take a run's.
    logdir: folder of a run.
    window_bytes: about what the work on one tile may take; 0 for the restorer's own choice, which
      it never exceeds. Networks that do not keep an image's size ignore it.
    checkpoint: of the run, "latest" or "best"; empty for the one that the run's own settings ask
      for, the best with restore_best.
    weights: of the run: its averaged ones if it has any ("auto"), "raw" or "averaged".
    self_ensemble: whether everything is restored in its eight positions.
  Raises:
    FileNotFoundError: if there is no run or no checkpoint.
    ValueError: if they do not fit each other, the run has no such weights, or the shipped ones are
      unknown or damaged.
  """
  if model:
    network, entry = pretrained.load(model)
  else:
    run = run_file.load(logdir)
    entry = registry.configured(run.model)
    network = entry.build(run.model.width, run.model.residual)
    wanted = checkpoint or (
      saved_weights.BEST if run.stopping.restore_best else saved_weights.LATEST
    )
    saved_weights.load(logdir, network, wanted, weights)
  tile = tile_within(window_bytes, entry) if window_bytes and entry.keeps_size else None
  return restorer.Restorer(network, entry, tile, constant=True, ensemble=self_ensemble)


def tile_within(window_bytes: int, entry: registry.Entry) -> int:
  """Returns the side of the largest tile that takes so much memory, 64 at least."""
  side = math.isqrt(window_bytes // _WINDOW_BYTES_PER_PIXEL) - 2 * entry.context
  return min(max(_SMALLEST_TILE, side // _GRID * _GRID), tiling.TILE_WITH_CONTEXT)
