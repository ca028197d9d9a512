"""Restores a set of files, one by one; what goes wrong with one leaves the others alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
import dataclasses
import functools
import os
import pathlib
import time
from typing import TYPE_CHECKING

from deblock.launch.restoring import outcomes, outputs, restore_config
from deblock.records import harmless, worker_process
from deblock.records.layout import new_file
from deblock.records.photos import formats

if TYPE_CHECKING:
  import tqdm

  from deblock.model import tiling

# The program of the process that restores sets of files.
WORKER = "from deblock.launch.restoring import one_file; one_file.serve()"
# Of silence until a file is decoded: far more than any that is sound takes on a busy machine. What
# is done afterwards depends on the size of the image alone.
MOST_SECONDS, MOST_SECONDS_PER_MEGAPIXEL = 300.0, 5.0


class Interrupted(KeyboardInterrupt):
  """Ctrl-C between the start and the end of a set of files.

  Attributes:
    made: what became of the files that are done.
    all_files: number of files there were to restore.
  """

  def __init__(self, made: Sequence[outcomes.Outcome], all_files: int):
    super().__init__(f"{len(made)} of {all_files} files are done")
    self.made = made
    self.all_files = all_files


def restore(
  patterns: Sequence[str],
  config: restore_config.RestoreConfig,
  log: Callable[[str], None] = lambda line: None,
  progress: Callable[[int], tqdm.tqdm] = lambda total: _no_bar(total),
) -> list[outcomes.Outcome]:
  """Restores files, folders and globs.

  Args:
    patterns: as `outputs.plan` takes them.
    config: how, and where to.
    log: called with a line for each file, and for files that were passed over.
    progress: returns a bar for a number of pixels.
  Returns:
    What became of each file, and of each pattern that named none.
  Raises:
    Interrupted: by Ctrl-C; the file at hand is left out.
    ValueError: if there are no patterns, or the network is damaged.
    OSError: if the folder of the results cannot be made, or there is no run.
  """
  if not patterns:
    raise ValueError(
      "name what to restore, files, folders or globs: deblock-restore IN... --out=DIR."
    )
  _prepare(config.out)
  extension = formats.FORMATS[config.format].suffix
  planned = outputs.plan(patterns, config.out, config.suffix, extension, config.overwrite)
  made = [
    outcomes.Outcome(item.path, outcomes.FAILED, 0, harmless.utf8(item.reason))
    for item in planned.refused
  ]
  if planned.passed_over:
    log(harmless.printable(str(planned.passed_over)))
  if not planned.jobs:
    return made
  restorer = None
  try:
    # A file that ends the process ends nothing else if it is the only one.
    restorer = (Apart if len(planned.jobs) > 1 else Here)(config, log)
    return made + _restore_all(planned.jobs, restorer, log, progress)
  except Interrupted:
    raise
  except KeyboardInterrupt as error:
    # While the network was loaded.
    raise Interrupted([], len(planned.jobs)) from error
  finally:
    if restorer is not None:
      restorer.close()


def _no_bar(total):
  import tqdm

  return tqdm.tqdm(total=total, disable=True)


def _restore_all(jobs, restorer, log, progress):
  """Restores files with a bar and a line for each; returns what became of them."""
  sizes = {job.path: restorer.size(job.path) for job in jobs}
  total = sum(sizes.values())
  files = f"{len(jobs)} files"
  with progress(total) as bar:
    bar.set_postfix_str(f"0/{files}", refresh=False)
    done = 0

    def count(pixels):
      bar.update(pixels)

    def show(outcome):
      nonlocal total, done
      done += 1
      bar.set_postfix_str(f"{done}/{files}", refresh=False)
      if outcome.status != outcomes.RESTORED:
        # The estimate of the time left counts only pixels that will be restored.
        total -= sizes[outcome.path]
        bar.total = max(bar.n, total)
      arrow = ":" if outcome.status == outcomes.FAILED else " ->"
      log(harmless.printable(f"{outcome.status}: {outcome.path}{arrow} {outcome.detail}"))

    return _each(jobs, lambda job: restorer.restore(job, sizes[job.path], count), show)


class Here:
  """Restores files in this process."""

  def __init__(self, config: restore_config.RestoreConfig, log: Callable[[str], None]):
    """Loads the network, and raises the errors of that."""
    # Another process imports it for a set of files, with NumPy and Pillow.
    from deblock.launch.restoring import one_file

    network, settings = one_file.load(config, log), one_file.result_settings(config)
    self._restore = functools.partial(
      one_file.outcome_of, network=network, config=config, settings=settings
    )

  def size(self, path: str) -> int:
    """Returns the number of pixels by a file's header; 0 where that fails."""
    return outputs.pixels(path)

  def restore(
    self, job: outputs.Job, pixels: int, on_pixels: Callable[[int], None]
  ) -> outcomes.Outcome:
    """Returns what became of a file of so many pixels."""
    del pixels
    return self._restore(job, on_pixels=on_pixels)

  def close(self) -> None:
    """Does nothing."""


class Apart:
  """Restores files in a process of its own, a new one after each file that ended it.

  Images of unknown origin are decoded by C libraries. If one of them crashes, takes all memory or
  never comes to an end, that file is named, and the next one is restored.
  """

  def __init__(self, config: restore_config.RestoreConfig, log: Callable[[str], None]):
    """Starts the process; raises the errors of loading the network, and OSError."""
    self._process = worker_process.WorkerProcess(
      WORKER, {"config": dataclasses.asdict(config)}, log, MOST_SECONDS
    )

  def size(self, path: str) -> int:
    """Returns the number of pixels by a file's header; 0 if the process does not survive it."""
    try:
      return self._process.ask({"size": path}, MOST_SECONDS)["size"]
    except worker_process.EndedError:
      return 0

  def restore(
    self, job: outputs.Job, pixels: int, on_pixels: Callable[[int], None]
  ) -> outcomes.Outcome:
    """Returns what became of a file of so many pixels."""
    began = time.monotonic()
    seconds = MOST_SECONDS + MOST_SECONDS_PER_MEGAPIXEL * pixels / 1e6
    request = {"path": job.path, "target": os.fspath(job.target)}
    try:
      facts = self._process.ask(request, seconds, on_pixels)["outcome"]
    except worker_process.EndedError as error:
      took = time.monotonic() - began
      reason = f"the process that restored it {error}"
      return outcomes.Outcome(job.path, outcomes.FAILED, 0, reason, seconds=took)
    made = outcomes.Outcome(*facts)
    return made._replace(notes=tuple(made.notes))

  def close(self) -> None:
    """Ends the process, which removes what it has half written."""
    self._process.close()


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
  from deblock.launch.restoring import one_file  # As in `Here`.

  settings = one_file.result_settings(config)
  return _each(
    jobs, lambda job: one_file.outcome_of(job, network, config, settings, on_pixels), on_outcome
  )


def _each(jobs, restore_one, on_outcome):
  made: list[outcomes.Outcome] = []
  for job in jobs:
    try:
      made.append(restore_one(job))
    except KeyboardInterrupt as error:
      raise Interrupted(made, len(jobs)) from error
    on_outcome(made[-1])
  return made


def _prepare(folder):
  try:
    pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
  except OSError as error:
    raise _unwritable(folder, error.strerror) from error
  if not new_file.may_write(folder):
    raise _unwritable(folder, "Permission denied")


def _unwritable(folder, reason):
  return OSError(f"out {folder} cannot be written: {reason}. Choose another --out.")
