"""Does a program's work on a set of files, one by one; what goes wrong with one leaves the others.

The work on one file is a function `(job, on_pixels) -> Outcome`, which never raises: see `result`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
import dataclasses
import gc
import os
import pathlib
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from deblock.launch.file_sets import outcomes, outputs
from deblock.records import harmless, worker_process
from deblock.records.layout import new_file

if TYPE_CHECKING:
  import tqdm

# Of silence until a file is decoded: far more than any that is sound takes on a busy machine. What
# is done afterwards depends on the size of the image alone.
MOST_SECONDS, MOST_SECONDS_PER_MEGAPIXEL = 300.0, 5.0

Do = Callable[[outputs.Job, Callable[[int], None]], outcomes.Outcome]


class Work(NamedTuple):
  """What a program does with each file of a set.

  Attributes:
    program: its name, for messages.
    verb: what it does, such as "restore".
    done: status of a file with which that was done, such as "restored".
    extension: of the results' names, with its dot.
    worker: program in Python of the process that does it; it runs `serve`.
    load: from the program's settings and a log to the work on one file. Raises OSError or
      ValueError if that cannot be prepared.
  """

  program: str
  verb: str
  done: str
  extension: str
  worker: str
  load: Callable[[Any, Callable[[str], None]], Do]


class Interrupted(KeyboardInterrupt):
  """Ctrl-C between the start and the end of a set of files.

  Attributes:
    made: what became of the files that are done.
    all_files: number of files there were.
  """

  def __init__(self, made: Sequence[outcomes.Outcome], all_files: int):
    super().__init__(f"{len(made)} of {all_files} files are done")
    self.made = made
    self.all_files = all_files


def no_bar(total: int) -> tqdm.tqdm:
  """Returns a progress bar that shows nothing."""
  import tqdm

  return tqdm.tqdm(total=total, disable=True)


def run(
  work: Work,
  patterns: Sequence[str],
  config: Any,
  log: Callable[[str], None] = lambda line: None,
  progress: Callable[[int], tqdm.tqdm] = no_bar,
) -> list[outcomes.Outcome]:
  """Does the work on files, folders and globs.

  Args:
    work: what to do.
    patterns: as `outputs.plan` takes them.
    config: a dataclass: how, and in `out`, `suffix` and `overwrite` where to.
    log: called with a line for each file, and for files that were passed over.
    progress: returns a bar for a number of pixels.
  Returns:
    What became of each file, and of each pattern that named none.
  Raises:
    Interrupted: by Ctrl-C; the file at hand is left out.
    ValueError: if there are no patterns, or the work cannot be prepared.
    OSError: if the folder of the results cannot be made, or the work cannot be prepared.
  """
  if not patterns:
    raise ValueError(
      f"name what to {work.verb}, files, folders or globs: {work.program} IN... --out=DIR."
    )
  _prepare(config.out)
  planned = outputs.plan(patterns, config.out, config.suffix, work.extension, config.overwrite)
  made = [
    outcomes.Outcome(item.path, outcomes.FAILED, 0, harmless.utf8(item.reason))
    for item in planned.refused
  ]
  if planned.passed_over:
    log(harmless.printable(str(planned.passed_over)))
  if not planned.jobs:
    return made
  worker = None
  try:
    # A file that ends the process ends nothing else if it is the only one.
    worker = (Apart if len(planned.jobs) > 1 else Here)(work, config, log)
    return made + _run_all(planned.jobs, worker, work.done, log, progress)
  except Interrupted:
    raise
  except KeyboardInterrupt as error:
    # While the work was prepared.
    raise Interrupted([], len(planned.jobs)) from error
  finally:
    if worker is not None:
      worker.close()


def each(
  jobs: Sequence[outputs.Job],
  do: Callable[[outputs.Job], outcomes.Outcome],
  on_outcome: Callable[[outcomes.Outcome], None] = lambda outcome: None,
) -> list[outcomes.Outcome]:
  """Returns what became of each job, in their order; `on_outcome` is called after each.

  Raises:
    Interrupted: by Ctrl-C; the job at hand is left out.
  """
  made: list[outcomes.Outcome] = []
  for job in jobs:
    try:
      made.append(do(job))
    except KeyboardInterrupt as error:
      raise Interrupted(made, len(jobs)) from error
    on_outcome(made[-1])
  return made


def _run_all(jobs, worker, done_word, log, progress):
  """Does all jobs with a bar and a line for each; returns what became of them."""
  sizes = {job.path: worker.size(job.path) for job in jobs}
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
      if outcome.status != done_word:
        # The estimate of the time left counts only pixels that will be worked on.
        total -= sizes[outcome.path]
        bar.total = max(bar.n, total)
      arrow = ":" if outcome.status == outcomes.FAILED else " ->"
      log(harmless.printable(f"{outcome.status}: {outcome.path}{arrow} {outcome.detail}"))

    return each(jobs, lambda job: worker.do(job, sizes[job.path], count), show)


class Here:
  """Does the work in this process."""

  def __init__(self, work: Work, config: Any, log: Callable[[str], None]):
    """Prepares the work, and raises the errors of that."""
    self._do = work.load(config, log)

  def size(self, path: str) -> int:
    """Returns the number of pixels by a file's header; 0 where that fails."""
    return outputs.pixels(path)

  def do(self, job: outputs.Job, pixels: int, on_pixels: Callable[[int], None]) -> outcomes.Outcome:
    """Returns what became of a file of so many pixels."""
    del pixels
    return self._do(job, on_pixels)

  def close(self) -> None:
    """Does nothing."""


class Apart:
  """Does the work in a process of its own, a new one after each file that ended it.

  Images of unknown origin are decoded by C libraries. If one of them crashes, takes all memory or
  never comes to an end, that file is named, and the next one has its turn.
  """

  def __init__(self, work: Work, config: Any, log: Callable[[str], None]):
    """Starts the process; raises the errors of preparing the work, and OSError."""
    self._done = work.done
    self._process = worker_process.WorkerProcess(
      work.worker, {"config": dataclasses.asdict(config)}, log, MOST_SECONDS
    )

  def size(self, path: str) -> int:
    """Returns the number of pixels by a file's header; 0 if the process does not survive it."""
    try:
      return self._process.ask({"size": path}, MOST_SECONDS)["size"]
    except worker_process.EndedError:
      return 0

  def do(self, job: outputs.Job, pixels: int, on_pixels: Callable[[int], None]) -> outcomes.Outcome:
    """Returns what became of a file of so many pixels."""
    began = time.monotonic()
    seconds = MOST_SECONDS + MOST_SECONDS_PER_MEGAPIXEL * pixels / 1e6
    request = {"path": job.path, "target": os.fspath(job.target)}
    try:
      facts = self._process.ask(request, seconds, on_pixels)["outcome"]
    except worker_process.EndedError as error:
      took = time.monotonic() - began
      reason = f"the process that {self._done} it {error}"
      return outcomes.Outcome(job.path, outcomes.FAILED, 0, reason, seconds=took)
    made = outcomes.Outcome(*facts)
    return made._replace(notes=tuple(made.notes))

  def close(self) -> None:
    """Ends the process, which removes what it has half written."""
    self._process.close()


def serve(
  config_class: Callable[..., Any], load: Callable[[Any, Callable[[str], None]], Do]
) -> None:
  """Answers the requests of `Apart` until they end.

  Args:
    config_class: of the program's settings, which have `max_memory` in MiB.
    load: as in `Work`.
  """
  # As in `set_program`.
  gc.set_threshold(50_000)
  do: Do

  def answer_to(request, send):
    nonlocal do
    if "config" in request:
      try:
        config = config_class(**request["config"])
        do = load(config, lambda line: send(log=line))
      except (OSError, ValueError) as error:
        return {"error": str(error)}
      worker_process.limit_memory(config.max_memory * 2**20)
      return {}
    if "size" in request:
      return {"size": outputs.pixels(request["size"])}
    job = outputs.Job(request["path"], pathlib.Path(request["target"]))
    return {"outcome": do(job, lambda count: send(count=count))}

  worker_process.serve(answer_to)


def _prepare(folder):
  try:
    pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
  except OSError as error:
    raise _unwritable(folder, error.strerror) from error
  if not new_file.may_write(folder):
    raise _unwritable(folder, "Permission denied")


def _unwritable(folder, reason):
  return OSError(f"out {folder} cannot be written: {reason}. Choose another --out.")
