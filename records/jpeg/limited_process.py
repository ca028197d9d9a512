"""Runs a module in a process that ends in time and takes no more memory than it may.

The process is a new one: a fork of a process with threads may hang.
"""

import contextlib
import os
import pathlib
import subprocess
import sys

from deblock.records import worker_process

# Address space of Python, NumPy and libraries.
_LIBRARIES_BYTES = 2**30
_BYTES, _SECONDS = "DEBLOCK_MOST_BYTES", "DEBLOCK_MOST_SECONDS"


class EndedError(RuntimeError):
  """The process did not finish; the message is the rest of a clause, such as "took over 10 s"."""


def run(module: str, folder: str, seconds: float, most_bytes: int) -> None:
  """Runs a module as `python -m` does, in a folder, and waits for its end.

  It ends in any case, also if this raises. What it prints is dropped.

  Args:
    module: its full name. It calls `limit_itself`.
    folder: its working directory.
    seconds: that it may take.
    most_bytes: that it may take above Python and its libraries, where the platform can limit that.
  Raises:
    EndedError: if it takes longer, fails or crashes.
    OSError: if it cannot be started.
  """
  environment = {
    **os.environ,
    # The same modules, wherever relative paths lead from the folder.
    "PYTHONPATH": os.pathsep.join(str(pathlib.Path(path).absolute()) for path in sys.path),
    # Each thread would take address space.
    "OPENBLAS_NUM_THREADS": "1",
    _BYTES: str(most_bytes),
    _SECONDS: str(seconds),
  }
  process = subprocess.Popen(
    [sys.executable, "-m", module],
    cwd=folder,
    env=environment,
    stdin=subprocess.DEVNULL,
    stdout=subprocess.DEVNULL,
    stderr=subprocess.DEVNULL,
    # On Windows, no console appears.
    creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
  )
  try:
    status = process.wait(seconds)
  except subprocess.TimeoutExpired as error:
    raise EndedError(f"took over {seconds:g} s") from error
  finally:
    # After Ctrl-C, `subprocess.run` would not wait.
    process.kill()
    process.wait()
  if status:
    raise EndedError(f"failed ({worker_process.how_it_ended(status)})")


def limit_itself() -> None:
  """Sets the limits of this process, as `run` asks for, as far as the platform has them."""
  try:
    import resource
  except ImportError:
    return
  limits = {
    resource.RLIMIT_AS: _LIBRARIES_BYTES + int(os.environ[_BYTES]),
    # It ends even if the process that waits for it was killed.
    resource.RLIMIT_CPU: int(float(os.environ[_SECONDS])) + 1,
    resource.RLIMIT_CORE: 0,
  }
  for kind, most in limits.items():
    _, hard = resource.getrlimit(kind)
    if hard != resource.RLIM_INFINITY:
      most = min(most, hard)
    with contextlib.suppress(OSError, ValueError):
      resource.setrlimit(kind, (most, hard))
