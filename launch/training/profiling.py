"""A profile of some training steps, for TensorBoard's profile page."""

from collections.abc import Callable, Iterator
import contextlib
import shlex

import tensorflow as tf

PACKAGE = "xprof"  # It holds the page; TensorBoard alone does not.


class Profile:
  """Profiles calls of the inner loop from the second one on: the first one compiles the loop.

  Args:
    logdir: folder of the run; the profile is written to plugins/profile in it.
    steps: number of steps to profile, rounded up to whole calls; 0 for none.
    note: prints a line for the user.
  """

  def __init__(self, logdir: str, steps: int, note: Callable[[str], None]):
    self._logdir = logdir
    self._left = steps
    self._note = note
    self._calls = 0
    self._running = False

  @contextlib.contextmanager
  def call(self, count: int) -> Iterator[None]:
    """Returns a context for a call that takes `count` steps."""
    if self._left > 0 and self._calls == 1:
      tf.profiler.experimental.start(self._logdir)
      self._running = True
    self._calls += 1
    try:
      yield
    except BaseException:
      self.close()
      raise
    if self._running:
      self._left -= count
      if self._left <= 0:
        self.close()

  def close(self) -> None:
    """Ends the profile if it is running."""
    if self._running:
      self._running = False
      tf.profiler.experimental.stop()
      self._note(
        f"profile written: tensorboard --logdir={shlex.quote(str(self._logdir))} shows it, "
        f"with pip install {PACKAGE}"
      )
