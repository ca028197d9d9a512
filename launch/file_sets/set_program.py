"""What programs that work on a set of files have in common: bar, lines, table, report, status."""

from collections.abc import Callable, Sequence
import functools
import gc
import os
import sys
import time
from typing import Any

from deblock.launch.file_sets import outcomes, runner
from deblock.records import console

INTERRUPTED = 130


def run(
  act: Callable[..., list[outcomes.Outcome]],
  patterns: Sequence[str],
  config: Any,
  doing: str,
  done: str,
) -> int:
  """Works on files, and says what became of them; returns the status to exit with.

  Args:
    act: as `runner.run` after its first argument.
    patterns: files, folders and globs.
    config: a `set_config.SetConfig`.
    doing: what the bar says, such as "restoring".
    done: status of a file that is done, such as "restored".
  Returns:
    1 if a file failed, 130 after Ctrl-C, else 0.
  Raises:
    OSError: as `runner.run`, or if the report cannot be written.
    ValueError: as `runner.run`.
  """
  # Not before it is needed: mistakes are answered at once.
  from deblock.records import progress_bar

  began = time.monotonic()
  note = functools.partial(progress_bar.note, stream=sys.stdout)
  bar = functools.partial(progress_bar.bar, doing, "px", unit_scale=True)
  try:
    made = act(patterns, config, note, bar)
  except runner.Interrupted as stopped:
    console.complain(f"stopped: {stopped}; the same command resumes.")
    return INTERRUPTED
  console.say(*outcomes.table(made, time.monotonic() - began, done).split("\n"))
  if config.report:
    outcomes.write_report(config.report, made)
  return int(any(outcome.status == outcomes.FAILED for outcome in made))


def prepare_process() -> None:
  """Sets what makes such a program start and run fast; before NumPy is imported."""
  # The products of matrices here are small: more threads of NumPy's BLAS would start and wait.
  os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
  # Imports make most of the objects, and these stay: looking for garbage among them is in vain.
  gc.set_threshold(50_000)
