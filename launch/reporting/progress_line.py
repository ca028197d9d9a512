"""One line that tells how far training is: redrawn in a terminal, repeated in a log file."""

from collections.abc import Callable
import os
import sys
import time
from typing import NamedTuple, TextIO

LOG_SECONDS = 10.0  # Between lines of a log file, which would be long otherwise.
_SEPARATOR = " | "


class Progress(NamedTuple):
  """How far a run is, and how it does.

  Attributes:
    done: share of the run that is over, by its steps or by its minutes.
    step: steps taken in all.
    max_steps: steps of the whole run.
    loss: mean over the last interval.
    gain_db: gain over the JPEG in the last interval, in decibels of PSNR.
    images_per_second: crops trained on, in the last interval.
    waiting: share of the last interval in which training waited for data.
  """

  done: float
  step: int
  max_steps: int
  loss: float
  gain_db: float
  images_per_second: float
  waiting: float


class ProgressLine:
  """Shows progress on a stream.

  Args:
    stream: to write to; standard error if None.
    clock: seconds, rising.
  """

  def __init__(
    self,
    stream: TextIO | None = None,
    clock: Callable[[], float] = time.monotonic,
  ):
    self._stream = sys.stderr if stream is None else stream
    self._redrawn = self._stream.isatty()
    self._clock = clock
    self._first: tuple[float, float] | None = None
    self._written = -float("inf")
    self._shown = ""  # What stands in the terminal's last line.
    self._kept = ""  # What a log file has not been told yet.

  def show(self, progress: Progress) -> None:
    """Shows progress; in a log file at most every 10 seconds, and what is left out by `close`."""
    now = self._clock()
    # The first interval holds the compilation: what it took says nothing about the rest.
    since, done_then = self._first or (now, progress.done)
    self._first = since, done_then
    gone = progress.done - done_then
    to_go = (now - since) * (1.0 - progress.done) / gone if gone > 0 else 0.0
    parts = _parts(progress, to_go)
    if self._redrawn:
      self._draw(_SEPARATOR.join(_fitting(parts, _columns(self._stream) - 1)))
      return
    self._kept = _SEPARATOR.join(parts)
    if now - self._written >= LOG_SECONDS:
      self._written = now
      self._write_kept()

  def note(self, words: str) -> None:
    """Writes a line of its own; in a terminal above that of progress."""
    self._write_kept()
    shown = self._shown
    self._draw("")
    self._stream.write(f"{words}\n")
    self._draw(shown)
    self._stream.flush()

  def close(self) -> None:
    """Ends the line; in a log file after the latest progress."""
    self._write_kept()
    if self._shown:
      self._stream.write("\n")
      self._stream.flush()
      self._shown = ""

  def _draw(self, line):
    """Puts a line in place of the one that stands in the terminal, if any does."""
    if self._shown or line:
      # Blanks, since not every terminal knows the sequence that clears a line.
      blanks = " " * (len(self._shown) - len(line))
      self._stream.write(f"\r{line}{blanks}" if line else f"\r{blanks}\r")
      self._stream.flush()
    self._shown = line

  def _write_kept(self):
    if self._kept:
      self._stream.write(f"{self._kept}\n")
      self._stream.flush()
      self._kept = ""


def duration(seconds: float) -> str:
  """Returns a length of time in words, as precisely as one wants to know it."""
  minutes = round(seconds / 60.0)
  if seconds < 100.0:
    return f"{seconds:.0f} s"
  if minutes < 100:
    return f"{minutes} min"
  hours = round(seconds / 3600.0)
  if hours < 48:
    return f"{minutes // 60} h {minutes % 60:02d} min"
  return f"{hours // 24} d {hours % 24:02d} h"


def _parts(progress, to_go):
  """Returns what the line says, the most wanted first: a narrow terminal cuts off its end."""
  remaining = "" if to_go <= 0 else f", {duration(to_go)} to go"
  return [
    f"{min(progress.done, 1.0):4.0%}{remaining}",
    f"step {progress.step:,} of {progress.max_steps:,}",
    f"loss {progress.loss:.4g}",
    f"gain {progress.gain_db:+.3f} dB",
    f"{progress.images_per_second:,.0f} images/s",
    f"{progress.waiting:.0%} waiting for data",
  ]


def _fitting(parts, columns):
  """Returns as many parts as a line has room for; at least the first, cut where it must be."""
  count = len(parts)
  while count > 1 and len(_SEPARATOR.join(parts[:count])) > columns:
    count -= 1
  return [part[: max(1, columns)] for part in parts[:count]]


def _columns(stream):
  try:
    # Some terminals, such as those of `docker exec`, say 0.
    return os.get_terminal_size(stream.fileno()).columns or 80
  except OSError:
    return 80
