"""Ctrl-C and SIGTERM as a wish that training asks for, and not as its end."""

from collections.abc import Callable, Iterator
import contextlib
import os
import signal
import threading

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_HEARD = b"\nstopping after these steps; Ctrl-C again stops at once, without saving\n"


class Request:
  """Whether a signal has asked to stop; called, it tells.

  Attributes:
    signal: number of the first signal; None while there is none.
  """

  def __init__(self):
    self.signal: int | None = None
    self._heard = threading.Event()

  def __call__(self) -> bool:
    """Returns whether to stop."""
    return self._heard.is_set()

  def wait(self, seconds: float) -> bool:
    """Returns whether to stop, after so many seconds at most."""
    return self._heard.wait(seconds)

  @property
  def status(self) -> int:
    """Exit status of a program that was stopped, as shells count; 0 while there is no signal."""
    return 128 + self.signal if self.signal else 0

  def _hear(self, number):
    self.signal = number
    self._heard.set()


@contextlib.contextmanager
def on_signals(leave: Callable[[int], object] = os._exit) -> Iterator[Request]:
  """Turns SIGINT and SIGTERM into a `Request` while the context lasts; of the main thread.

  A second SIGINT ends the process at once. A signal that was ignored before stays so, as that of a
  terminal is by a program in its background.

  Args:
    leave: ends the process with a status.
  """
  request = Request()
  reading, writing = os.pipe()
  os.set_blocking(writing, False)
  # A handler written in Python waits until TensorFlow comes back from the steps it is at. What
  # the interpreter writes here, it writes when the signal comes, and a thread can read it.
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
