"""Ctrl-C and SIGTERM as requests to stop, which training reads between its steps."""

from collections.abc import Callable, Iterator
import contextlib
import os
import signal
import threading

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_HEARD = b"\nstopping after these steps; Ctrl-C again stops at once, without saving\n"


class Request:
  """A request to stop; a call returns whether there is one.

  Attributes:
    signal: number of the first signal; None before it.
  """

  def __init__(self):
    self.signal: int | None = None
    self._heard = threading.Event()

  def __call__(self) -> bool:
    """Returns whether to stop."""
    return self._heard.is_set()

  def wait(self, seconds: float) -> bool:
    """Waits up to `seconds` for a request, and returns whether there is one."""
    return self._heard.wait(seconds)

  @property
  def status(self) -> int:
    """Exit status of a stopped program, 128 plus the signal as in shells; 0 without a signal."""
    return 128 + self.signal if self.signal else 0

  def _hear(self, number):
    self.signal = number
    self._heard.set()


@contextlib.contextmanager
def on_signals(leave: Callable[[int], object] = os._exit) -> Iterator[Request]:
  """Returns a context, for the main thread, in which SIGINT and SIGTERM become a `Request`.

  A second SIGINT ends the process at once. A signal that was ignored before stays ignored, as
  shells ask of programs in the background.

  Args:
    leave: ends the process with a status.
  """
  request = Request()
  reading, writing = os.pipe()
  os.set_blocking(writing, False)
  # Python runs its own handlers only when TensorFlow returns from its steps. The interpreter writes
  # to this pipe as soon as the signal comes, and a thread reads it.
  fd_before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
  before = {
    number: signal.signal(number, lambda number, frame: None)
    for number in _SIGNALS
    if signal.getsignal(number) is not signal.SIG_IGN
  }
  listener = threading.Thread(target=_listen, args=(reading, request, leave), daemon=True)
  listener.start()
  try:
    yield request
  finally:
    for number, handler in before.items():
      signal.signal(number, handler)
    signal.set_wakeup_fd(fd_before)
    os.close(writing)
    listener.join()
    os.close(reading)


def _listen(reading, request, leave):
  while received := os.read(reading, 1):
    number = received[0]
    if number not in _SIGNALS:
      continue
    if not request():
      request._hear(number)
      os.write(2, _HEARD)
    elif number == signal.SIGINT:
      leave(128 + number)
