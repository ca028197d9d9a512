"""Restores a set of files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from deblock.launch.file_sets import outcomes, outputs, runner
from deblock.launch.restoring import restore_config
from deblock.records.photos import formats

if TYPE_CHECKING:
  import tqdm

  from deblock.model import tiling

# The program of the process that restores sets of files.
WORKER = "from deblock.launch.restoring import one_file; one_file.serve()"
RESTORED = "restored"


def restore(
  patterns: Sequence[str],
  config: restore_config.RestoreConfig,
  log: Callable[[str], None] = lambda line: None,
  progress: Callable[[int], tqdm.tqdm] = runner.no_bar,
) -> list[outcomes.Outcome]:
  """Restores files, folders and globs; takes, returns and raises as `runner.run`."""
  extension = formats.FORMATS[config.format].suffix
  work = runner.Work("deblock-restore", "restore", RESTORED, extension, WORKER, _load)
  return runner.run(work, patterns, config, log, progress)


def run(
  jobs: Sequence[outputs.Job],
  network: tiling.Tiled,
  config: restore_config.RestoreConfig,
  on_pixels: Callable[[int], None] = lambda pixels: None,
  on_outcome: Callable[[outcomes.Outcome], None] = lambda outcome: None,
) -> list[outcomes.Outcome]:
  """Restores files and writes the results; returns what became of each, in their order.

  Args:
    jobs: what to restore, and where to.
    network: to restore with.
    config: how.
    on_pixels: called with numbers of pixels as they are restored.
    on_outcome: called after each file.
  Raises:
    Interrupted: by Ctrl-C; the file at hand is left out.
  """
  from deblock.launch.restoring import one_file  # As below.

  do = one_file.work(network, config)
  return runner.each(jobs, lambda job: do(job, on_pixels), on_outcome)


def _load(config, log):
  # Another process imports it for a set of files, with NumPy and Pillow.
  from deblock.launch.restoring import one_file

  return one_file.load(config, log)
