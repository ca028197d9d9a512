"""What every program does before and round its main function."""

from collections.abc import Callable, Sequence
import os
import pathlib
import sys

from absl import app, flags, logging
import tqdm

from deblock.launch import allocator

# TensorFlow reads these when it is imported. Its notes on CPU features and absent GPUs are for its
# own developers; errors still show.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_DEPRECATION_WARNINGS", "0")


def run(main: Callable[[Sequence[str]], int | None]) -> None:
  """Runs a program, and turns its user's mistakes into one line and an exit status of 1.

  A mistake is a ValueError, an OSError or a RuntimeError: the functions below raise these with a
  message that names the flag or file. --verbosity=1 shows where it came from.
  """

  def guarded(arguments):
    if len(arguments) > 1:
      raise app.UsageError(f"not understood: {' '.join(arguments[1:])}; options start with --.")
    allocator.keep_freed_memory()
    try:
      return main(arguments)
    except (ValueError, OSError, RuntimeError, FloatingPointError) as error:
      if flags.FLAGS.verbosity > 0:
        logging.exception("%s", error)
      else:
        print(f"{pathlib.Path(sys.argv[0]).name}: {error}", file=sys.stderr)
      return 1

  app.run(guarded)


def progress_bar(description: str, unit: str, total: int | None = None) -> tqdm.tqdm:
  """Returns a bar on standard error, which a log file sees move only now and then."""
  return tqdm.tqdm(
    total=total,
    desc=description,
    unit=unit,
    mininterval=0.2 if sys.stderr.isatty() else 15.0,
    dynamic_ncols=True,
  )
