"""The only door to standard output and standard error: what programs print and log."""

import logging
import sys
import traceback
from typing import TextIO

from deblock.records import harmless


def say(*lines: str, stream: TextIO | None = None) -> None:
  """Prints lines at once; in each, what is not printable becomes an escape, see `harmless`.

  Args:
    *lines: without line breaks: one in a line becomes an escape too.
    stream: to print to; standard output if None.
  """
  stream = sys.stdout if stream is None else stream
  if stream is None:  # There is none, as in programs without a console.
    return
  text = "".join(f"{harmless.printable(line)}\n" for line in lines)
  # An encoding that lacks a letter must not end a program.
  encoding = getattr(stream, "encoding", None) or "utf-8"
  stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
  stream.flush()


def complain(message: str) -> None:
  """Prints a message to standard error; lines after its first are indented.

  A line break in a name therefore never begins a line that looks like a program's own.
  """
  say(*_indented(message), stream=sys.stderr)


class LogFilter(logging.Filter):
  """Makes each record of a log printable, as `complain` does, and its traceback too."""

  def filter(self, record: logging.LogRecord) -> bool:
    """Changes the record, and keeps it."""
    lines = map(harmless.printable, _indented(record.getMessage()))
    record.msg, record.args = "\n".join(lines), ()
    if record.exc_info and record.exc_info[0] is not None:
      record.exc_text = "\n".join(_traceback_lines(*record.exc_info))
    return True


def show_traceback(kind, error, trace) -> None:
  """Prints a traceback as Python does, but for what is not printable; a `sys.excepthook`."""
  say(*_traceback_lines(kind, error, trace), stream=sys.stderr)


def _indented(message):
  """Returns the lines of a message, all but the first indented."""
  first, *others = message.split("\n")
  return [first, *(f"  {line.lstrip()}" for line in others)]


def _traceback_lines(kind, error, trace):
  text = "".join(traceback.format_exception(kind, error, trace)).rstrip("\n")
  return [harmless.printable(line) for line in text.split("\n")]
