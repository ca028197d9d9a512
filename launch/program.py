"""Starting a program: flags, usage mistakes as one line, exit status, the folder to write to."""

from collections.abc import Callable, Mapping, Sequence
import importlib.util
import logging as std_logging
import os
import pathlib
import sys
import types

from absl import app, flags, logging

from deblock.launch import flags as config_flags
from deblock.records import console, quiet
from deblock.records.layout import own_files

# The flags that `run` defines belong to the programs.
flags.disclaim_key_flags()


def run(
  main: Callable[[Sequence[str]], int | None],
  *config_classes: type,
  takes_arguments: bool = False,
  takes_names: bool = False,
  aliases: Mapping[str, str] = types.MappingProxyType({}),
) -> None:
  """Runs a program and exits. A mistake of the user becomes one line and the exit status 1.

  Mistakes are errors in flags, and the ValueErrors, OSErrors, RuntimeErrors, ArithmeticErrors and
  TensorFlow errors of `main`, whose messages name the flag, file or record. --verbosity=1 adds the
  traceback.

  Args:
    main: takes the command line without flags, the program's name first; returns the exit status.
    *config_classes: dataclasses whose fields are the program's flags. They are defined here, so
      that several programs can be imported into one process.
    takes_arguments: whether arguments after a lone -- are passed to `main`. Others are mistakes.
    takes_names: whether arguments that are not flags are passed to `main`, wherever they stand.
    aliases: short names of flags.
  Raises:
    SystemExit: always; with 0 after --help.
  """

  def guarded(arguments):
    extra = list(arguments[1:])
    passed_on = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
    verbose = flags.FLAGS.verbosity > 0
    if not verbose:
      # TensorFlow times its checkpoints in absl's log, at the level of information.
      logging.set_verbosity(logging.WARNING)
      # A line for users, without time, process and place in the sources.
      logging.get_absl_handler().setFormatter(std_logging.Formatter("%(message)s"))
    try:
      if not takes_names and extra != (passed_on if takes_arguments else []):
        raise ValueError(f"not understood: {' '.join(extra)}; options start with --.")
      return main(arguments)
    except KeyboardInterrupt:
      _complain("stopped")
      return 130
    except ModuleNotFoundError as error:
      if verbose or (error.name or "").startswith("deblock"):
        raise
      _complain(f"{error.name} is missing: pip install 'deblock[train]'")
      return 2
    except Exception as error:
      message = _mistake(error)
      if message is None:
        raise
      if verbose:
        logging.exception("%s", message)
      else:
        _complain(message)
      return 1

  for config_class in config_classes:
    config_flags.define(config_class)
  for alias, name in aliases.items():
    flags.DEFINE_alias(alias, name)
  # absl shows the flags and the docstring of the running script, which a console script lacks.
  for flag in flags.FLAGS.get_key_flags_for_module(main.__module__):
    flags.FLAGS.register_key_flag_for_module(sys.argv[0], flag)
  sys.modules["__main__"].__doc__ = sys.modules[main.__module__].__doc__
  sys.excepthook = console.show_traceback
  handler = logging.get_absl_handler().python_handler
  if not any(isinstance(known, console.LogFilter) for known in handler.filters):
    handler.addFilter(console.LogFilter())
  app.run(guarded, flags_parser=_parse)


def start_tensorflow(gpus: bool = True) -> None:
  """Imports TensorFlow and Keras, without the notes that they print about a machine's devices.

  Programs call this in `main`, when their flags are checked, and import what needs it afterwards:
  so `--help` and mistakes are answered at once.

  Args:
    gpus: whether the program computes on GPUs; they are hidden from one that does not.
  Raises:
    SystemExit: with 2, after a line on standard error, if it is not installed.
  """
  if importlib.util.find_spec("tensorflow") is None:
    _complain("TensorFlow is missing: pip install 'deblock[train]'")
    sys.exit(2)
  with quiet.standard_error():
    import keras  # noqa: F401
    import tensorflow as tf

    # TensorFlow looks for devices once, and reports each library that a machine without a GPU
    # lacks. Listing logical devices would create them, and no cluster could be joined afterwards.
    tf.config.list_physical_devices()

    from deblock.launch.machines import gpus as gpus_lib

  gpus_lib.prepare(used=gpus)


def prepare_output(folder: str, *names: str) -> pathlib.Path:
  """Creates the folder to write to, before any work is done.

  Args:
    folder: to write to.
    *names: of files in it that will be written.
  Raises:
    FileExistsError: if one of them is there and no program of deblock wrote it.
    OSError: if it cannot be written.
  """
  path = pathlib.Path(folder)
  try:
    path.mkdir(parents=True, exist_ok=True)
  except OSError as error:
    raise OSError(
      f"output {folder} cannot be written: {error.strerror}. Choose another --output."
    ) from error
  own_files.check(*(path / name for name in names))
  return path


def _mistake(error):
  """Returns what an error of the user is, or None if it is another."""
  if isinstance(error, (ValueError, OSError, RuntimeError, ArithmeticError)):
    return str(error)
  tensorflow = sys.modules.get("tensorflow")
  if tensorflow is not None and isinstance(error, tensorflow.errors.OpError):
    from deblock.records import graph_errors

    return graph_errors.gist(error)
  return None


def _parse(arguments):
  """Parses the flags; returns the other arguments, the program's name first."""
  try:
    return flags.FLAGS(arguments)
  except flags.Error as error:
    _complain(f"{error} (--help lists the flags)")
    sys.exit(1)
  except (SystemExit, BrokenPipeError):
    # absl's --help prints its text and exits with 1.
    try:
      sys.stdout.flush()
    except BrokenPipeError:
      # The reader has gone, such as head. Python would complain again when it ends.
      os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(0)


def _complain(message):
  console.complain(f"{pathlib.Path(sys.argv[0]).name}: {message}")
