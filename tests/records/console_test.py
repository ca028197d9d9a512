import io
import logging

import pytest

from deblock.records import console, progress_bar

TITLE = "\x1b]0;owned\x07"
FORGED = "a.jpg\nrestored: b.jpg"


def test_each_line_stays_one_line_of_printable_text(capsys):
  console.say("first", f"{TITLE} and {FORGED}")
  console.complain(f"a\u202eb\n  more\n{TITLE}")
  printed = capsys.readouterr()
  assert printed.out.splitlines() == [
    "first",
    r"\x1b]0;owned\x07 and a.jpg\nrestored: b.jpg",
  ]
  assert printed.err.splitlines() == ["a\\u202eb", "  more", r"  \x1b]0;owned\x07"]


def test_an_encoding_that_lacks_a_letter_ends_nothing():
  stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
  console.say("größer → 東", stream=stream)
  assert stream.buffer.getvalue() == b"gr\\xf6\\xdfer \\u2192 \\u6771\n"


def test_a_program_without_a_console_prints_nothing(monkeypatch):
  monkeypatch.setattr("sys.stdout", None)
  console.say("lost")


def test_notes_above_a_bar_are_printable():
  stream = io.StringIO()
  with progress_bar.bar("working", "image", 3, stream):
    progress_bar.note(TITLE + FORGED, stream)
  assert "\x1b" not in stream.getvalue()
  assert r"\x1b]0;owned\x07a.jpg\nrestored: b.jpg" in stream.getvalue().splitlines()


@pytest.fixture
def log():
  """A logger and what it has written."""
  stream = io.StringIO()
  handler = logging.StreamHandler(stream)
  handler.addFilter(console.LogFilter())
  logger = logging.Logger("console_test")
  logger.addHandler(handler)
  return logger, stream.getvalue


def test_logs_are_printable_with_their_tracebacks(log):
  logger, written = log
  logger.warning("skipped %s", FORGED)
  try:
    raise ValueError(f"{TITLE} is damaged")
  except ValueError:
    logger.exception("%s failed", TITLE)
  lines = written().splitlines()
  # A line break in a name begins no line of its own.
  assert lines[:3] == ["skipped a.jpg", "  restored: b.jpg", r"\x1b]0;owned\x07 failed"]
  assert lines[-1] == r"ValueError: \x1b]0;owned\x07 is damaged" and "\x1b" not in written()


def test_a_traceback_is_printable(capsys):
  try:
    raise KeyError
  except KeyError as error:
    console.show_traceback(ValueError, ValueError(TITLE), error.__traceback__)
  lines = capsys.readouterr().err.splitlines()
  assert lines[0].startswith("Traceback") and lines[-1] == r"ValueError: \x1b]0;owned\x07"
