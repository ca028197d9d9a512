"""The progress bar of every program: drawn in place in a terminal, plain lines in a log file."""

import sys
from typing import TextIO

import tqdm

from deblock.records import console

_TERMINAL_SECONDS = 0.2
_LOG_SECONDS = 15.0  # Between lines of a log file, which would be long otherwise.


class _Bar(tqdm.tqdm):
  monitor_interval = 0  # No thread: with miniters=0 each update looks at the clock.


class _LogBar(_Bar):
  _drawn: float | None = None

  def display(self, msg=None, pos=None):
    """Draws the bar, unless nothing was counted since, as when it closes after its last line."""
    if self._drawn != self.n:
      self._drawn = self.n
      super().display(msg, pos)


class _Lines:
  """Writes each state of a bar as a line of its own, without carriage returns."""

  def __init__(self, stream):
    self._stream = stream

  def write(self, text):
    """Writes a line, unless the text only clears or ends one."""
    words = text.strip()
    if words:
      self._stream.write(f"{words}\n")

  def __getattr__(self, name):
    """Returns an attribute of the stream."""
    return getattr(self._stream, name)


def bar(
  description: str,
  unit: str,
  total: float | None = None,
  stream: TextIO | None = None,
  **options,
) -> tqdm.tqdm:
  """Returns a bar. In a log file it adds at most a line in 15 seconds, and one at its end.

  Args:
    description: what is done, such as "evaluating".
    unit: of the total, such as "image".
    total: number of units; None if unknown.
    stream: to write to; standard error if None.
    **options: of tqdm.tqdm.
  """
  stream = sys.stderr if stream is None else stream
  terminal = stream.isatty()
  return (_Bar if terminal else _LogBar)(
    total=total,
    # tqdm adds the colon to its own formats only.
    desc=f"{description}: " if "bar_format" in options else description,
    unit=unit,
    file=stream if terminal else _Lines(stream),
    mininterval=_TERMINAL_SECONDS if terminal else _LOG_SECONDS,
    miniters=0,
    dynamic_ncols=terminal,
    **options,
  )


def note(words: str, stream: TextIO | None = None) -> None:
  """Writes a line of its own, as `console.say` does; in a terminal above the bar."""
  stream = sys.stderr if stream is None else stream
  with _Bar.external_write_mode(stream):
    console.say(words, stream=stream)
