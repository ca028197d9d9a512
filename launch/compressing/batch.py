"""Compresses a set of files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from deblock.launch.compressing import compress_config
from deblock.launch.file_sets import outcomes, runner

if TYPE_CHECKING:
  import tqdm

# The program of the process that compresses sets of files.
WORKER = "from deblock.launch.compressing import one_file; one_file.serve()"
COMPRESSED = "compressed"


def compress(
  patterns: Sequence[str],
  config: compress_config.CompressConfig,
  log: Callable[[str], None] = lambda line: None,
  progress: Callable[[int], tqdm.tqdm] = runner.no_bar,
) -> list[outcomes.Outcome]:
  """Compresses files, folders and globs; takes, returns and raises as `runner.run`."""
  work = runner.Work("deblock-compress", "compress", COMPRESSED, ".jpg", WORKER, _load)
  return runner.run(work, patterns, config, log, progress)


def _load(config, log):
  # Another process imports it for a set of files, with NumPy and Pillow.
  from deblock.launch.compressing import one_file

  return one_file.load(config, log)
