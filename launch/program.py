"""What every program does before and round its main function."""

from collections.abc import Callable, Sequence
import pathlib
import sys

from absl import app, flags, logging
import tensorflow as tf
import tqdm

from deblock.records import graph_errors, quiet


def run(
  main: Callable[[Sequence[str]], int | None],
  takes_arguments: bool = False,
  takes_names: bool = False,
) -> None:
  """Runs a program, and turns its user's mistakes into one line and an exit status of 1.

  A mistake is a ValueError, an OSError, a RuntimeError or an ArithmeticError, which the functions
  below raise with a message that names the flag or file, or an error of TensorFlow's graph, such as
  a damaged record. --verbosity=1 shows where it came from.

  Args:
    main: takes the command line without the flags, the program's name first.
    takes_arguments: whether `main` has a use for more than flags, which must follow a lone --.
    takes_names: whether `main` takes names, such as those of files, which may stand anywhere.
  """

  def guarded(arguments):
    extra = list(arguments[1:])
    passed_on = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
    if not takes_names and extra != (passed_on if takes_arguments else []):
      raise app.UsageError(f"not understood: {' '.join(extra)}; options start with --.")
    verbose = flags.FLAGS.verbosity > 0
    if not verbose:
      # TensorFlow times its checkpoints in absl's log, at the level of information.
      logging.set_verbosity(logging.WARNING)
    try:
      return main(arguments)
    except (ValueError, OSError, RuntimeError, ArithmeticError, tf.errors.OpError) as error:
      message = str(error)
      if isinstance(error, tf.errors.OpError):
        message = graph_errors.gist(error)
      if verbose:
        logging.exception("%s", message)
      else:
        print(f"{pathlib.Path(sys.argv[0]).name}: {message}", file=sys.stderr)
      return 1

  # Looking for devices, TensorFlow reports each library that a machine without a GPU lacks. It
  # looks once, so it is made to do so here. Logical devices would be made by being listed, and
  # TensorFlow takes no other machines' in after that.
  with quiet.standard_error():
    tf.config.list_physical_devices()
  # absl takes the running script for the program, which a console script is not.
  for flag in flags.FLAGS.get_key_flags_for_module(main.__module__):
    flags.FLAGS.register_key_flag_for_module(sys.argv[0], flag)
  sys.modules["__main__"].__doc__ = sys.modules[main.__module__].__doc__
  app.run(guarded)


def progress_bar(description: str, unit: str, total: float | None = None, **options) -> tqdm.tqdm:
  """Returns a bar on standard error, which a log file sees move only now and then."""
  return tqdm.tqdm(
    total=total,
    desc=description,
    unit=unit,
    mininterval=0.2 if sys.stderr.isatty() else 15.0,
    dynamic_ncols=True,
    **options,
  )
