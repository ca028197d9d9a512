"""A profile of some training steps, for TensorBoard's profile page."""

from collections.abc import Callable

import tensorflow as tf

PACKAGE = "xprof"  # Has the page; TensorBoard itself has not.


class Profiled:
  """Calls of the training loop, of which those after the first are profiled.

  The first compiles the loop, which would hide all the rest.

  Args:
    call: (step, done, count, rate) to totals, as `session.Parts` has it: takes `count` steps.
    logdir: folder of the run; the profile goes to plugins/profile in it.
    steps: to profile; a multiple of the steps of a call, and as many more as the last call has.
    note: tells a line to the user.
  """

  def __init__(self, call: Callable, logdir: str, steps: int, note: Callable[[str], None]):
    self._call = call
    self._logdir = logdir
    self._left = steps
    self._note = note
    self._calls = 0
    self._running = False

  def __call__(self, step, done, count, rate):
    """Takes steps; returns what `call` does."""
    if self._left > 0 and self._calls == 1:
      tf.profiler.experimental.start(self._logdir)
      self._running = True
    self._calls += 1
    try:
      totals = self._call(step, done, count, rate)
    except BaseException:
      self.close()
      raise
    if self._running:
      self._left -= count
      if self._left <= 0:
        self.close()
    return totals

  def close(self) -> None:
    """Ends the profile if it is still being taken."""
    if self._running:
      self._running = False
      tf.profiler.experimental.stop()
      self._note(
        f"profile written: tensorboard --logdir={self._logdir} shows it, with pip install {PACKAGE}"
      )
