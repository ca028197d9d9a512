"""One training in a folder at a time: two would overwrite each other's checkpoints and curves."""

from collections.abc import Iterator
import contextlib
import os
import pathlib

from deblock.records.layout import files

FILE = ".training"


@contextlib.contextmanager
def hold(logdir: str) -> Iterator[None]:
  """Returns a context in which no other process can occupy the folder, which is made if missing.

  The system releases the folder however the process ends. The file stays and has no meaning by
  itself. On file systems without locks, such as some network file systems, this checks nothing.

  Args:
    logdir: folder of a run.
  Raises:
    ValueError: if another process occupies it.
    OSError: if it cannot be written.
  """
  path = pathlib.Path(logdir) / FILE
  with contextlib.ExitStack() as stack:
    try:
      path.parent.mkdir(parents=True, exist_ok=True)
      stack.enter_context(files.locked(str(path)))
      path.write_text(f"{os.getpid()} on {os.uname().nodename}\n")
    except BlockingIOError:
      raise ValueError(
        f"logdir {logdir} is being trained in by another process ({path.read_text().strip()}): "
        "wait until it ends, stop it, or choose another --logdir."
      ) from None
    except OSError as error:
      raise OSError(
        f"logdir {logdir} cannot be written: {error.strerror}. Choose another --logdir."
      ) from error
    yield
