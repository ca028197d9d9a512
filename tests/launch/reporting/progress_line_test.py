import io
import os

import pytest

from deblock.launch.reporting import progress_line

HALF = progress_line.Progress(
  done=0.5,
  step=1000,
  max_steps=2000,
  loss=0.0123456,
  gain_db=-0.25,
  images_per_second=1234.4,
  waiting=0.031,
)


class _Terminal(io.StringIO):
  """A terminal of so many columns; what is drawn over what stood there is lost."""

  def __init__(self, columns):
    super().__init__()
    self.columns = columns

  def isatty(self):
    return True

  def fileno(self):
    return 7

  def seen(self):
    """Returns the lines that a user sees."""
    lines = []
    for written in self.getvalue().split("\n"):
      line = ""
      for part in written.split("\r"):
        line = part + line[len(part) :]
      lines.append(line.rstrip())
    return lines


def _clock(*readings):
  return iter(readings).__next__


@pytest.fixture
def terminal(monkeypatch):
  made = _Terminal(200)
  monkeypatch.setattr(os, "get_terminal_size", lambda number: os.terminal_size((made.columns, 9)))
  return made


def test_a_log_file_gets_plain_lines_that_are_not_too_many():
  log = io.StringIO()
  line = progress_line.ProgressLine(log, _clock(0, 1, 9, 10, 21, 22))
  for step in range(6):
    line.show(HALF._replace(step=step))
  line.close()
  text = log.getvalue()
  assert "\r" not in text and "\x1b" not in text
  # At once, at most every ten seconds then, and at the end what is newest.
  assert [part.split(" of ")[0][-1] for part in text.splitlines()] == ["0", "3", "4", "5"]


def test_a_note_in_a_log_file_follows_the_progress_that_it_speaks_of():
  log = io.StringIO()
  line = progress_line.ProgressLine(log, _clock(0, 1))
  line.show(HALF)
  line.show(HALF._replace(step=1500))
  line.note("step 1500: a note")
  line.close()
  assert [text.split(" | ")[1:2] for text in log.getvalue().splitlines()] == [
    ["step 1,000 of 2,000"],
    ["step 1,500 of 2,000"],
    [],
  ]


def test_the_figures_are_told():
  log = io.StringIO()
  progress_line.ProgressLine(log).show(HALF)
  assert log.getvalue() == (
    " 50% | step 1,000 of 2,000 | loss 0.01235 | gain -0.250 dB | 1,234 images/s | "
    "3% waiting for data\n"
  )


def test_what_is_to_come_is_as_slow_as_what_was_after_the_first_interval():
  log = io.StringIO()
  line = progress_line.ProgressLine(log, _clock(100, 130, 160))
  # A quarter takes 30 seconds, whatever the first tenth took; the run goes on from somewhere.
  for done in (0.1, 0.35, 1.0):
    line.show(HALF._replace(done=done))
  first, second, last = (text.split(" | ")[0] for text in log.getvalue().splitlines())
  assert (first, second, last) == (" 10%", " 35%, 78 s to go", "100%")


def test_a_terminal_shows_one_line_that_is_redrawn(terminal):
  line = progress_line.ProgressLine(terminal)
  line.show(HALF)
  line.show(HALF._replace(loss=0.1, step=7))
  assert terminal.getvalue().count("\n") == 0
  (seen,) = terminal.seen()
  assert seen.startswith(" 50%") and "step 7 of" in seen
  assert seen.endswith("3% waiting for data"), "nothing of the longer line is left"


def test_notes_stand_above_the_line_in_a_terminal(terminal):
  line = progress_line.ProgressLine(terminal)
  line.note("first")
  line.show(HALF)
  line.note("second")
  assert [seen[:6].strip() for seen in terminal.seen()] == ["first", "second", "50% |"]
  line.close()
  assert terminal.seen()[2].startswith(" 50%") and terminal.seen()[3] == ""


@pytest.mark.parametrize("columns", [1, 3, 12, 30, 60, 100])
def test_no_line_is_wider_than_the_terminal(terminal, columns):
  terminal.columns = columns
  progress_line.ProgressLine(terminal).show(HALF)
  (seen,) = terminal.seen()
  assert len(seen) < max(columns, 2)
  assert columns < 30 or seen.split(" | ")[1] == "step 1,000 of 2,000"


@pytest.mark.parametrize(
  ("seconds", "words"),
  [
    (0.4, "0 s"),
    (99.4, "99 s"),
    (100, "2 min"),
    (5900, "98 min"),
    (7190, "2 h 00 min"),
    (3600 * 47 + 61, "47 h 01 min"),
    (3600 * 61, "2 d 13 h"),
  ],
)
def test_durations_are_as_precise_as_one_wants(seconds, words):
  assert progress_line.duration(seconds) == words
