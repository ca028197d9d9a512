"""Tells how many files of a list are there, while somebody else writes them."""

from collections.abc import Callable, Iterator, Sequence
import contextlib
import threading

import tensorflow as tf

_INTERVAL_SECONDS = 0.2


@contextlib.contextmanager
def watch(paths: Sequence[str], on_progress: Callable[[int, int], None] | None) -> Iterator[None]:
  """Reports finished and all files while the body runs.

  It looks at the files themselves, so it works whatever process or machine writes them.

  Args:
    paths: files that appear once, whole.
    on_progress: called with (finished, all) at the start, at each change, and at the end if the
      body succeeds; None to watch nothing.
  """
  if on_progress is None:
    yield
    return
  missing = [path for path in paths if not tf.io.gfile.exists(path)]
  on_progress(len(paths) - len(missing), len(paths))
  stop = threading.Event()

  def look():
    while not stop.wait(_INTERVAL_SECONDS):
      found = [path for path in missing if tf.io.gfile.exists(path)]
      if found:
        missing[:] = [path for path in missing if path not in found]
        on_progress(len(paths) - len(missing), len(paths))

  thread = threading.Thread(target=look, name="progress", daemon=True)
  thread.start()
  try:
    yield
  finally:
    stop.set()
    thread.join()
  # The thread may have been stopped between the last file and its next look.
  if missing:
    on_progress(len(paths), len(paths))
