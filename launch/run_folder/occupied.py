"""One training in a folder at a time: two would overwrite each other's checkpoints and curves."""

from collections.abc import Iterator
import contextlib
import fcntl
import os
import pathlib

FILE = ".training"


@contextlib.contextmanager
def occupying(logdir: str) -> Iterator[None]:
  """Returns a context in which no other process can occupy the folder, which is made if missing.

  The system lets go of it when the process ends, however that happens, so nothing is left to
  clean up after a kill; the file that stays means nothing by itself. On file systems that know no
  locks, as some of networks do not, nobody is kept out.

  Args:
    logdir: folder of a run.
  Raises:
    ValueError: if another process occupies it.
    OSError: if it cannot be written.
  """
  path = pathlib.Path(logdir) / FILE
  try:
    path.parent.mkdir(parents=True, exist_ok=True)
    stream = path.open("a+")
  except OSError as error:
    raise OSError(
      f"logdir {logdir} cannot be written: {error.strerror}. Choose another --logdir."
    ) from error
  with stream:
    try:
      fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
      stream.seek(0)
      raise ValueError(
        f"logdir {logdir} is being trained in by another process ({stream.read().strip()}): wait "
        "until it ends, stop it, or choose another --logdir."
      ) from None
    except OSError:
      pass
    stream.truncate(0)
    stream.write(f"{os.getpid()} on {os.uname().nodename}\n")
    stream.flush()
    yield
