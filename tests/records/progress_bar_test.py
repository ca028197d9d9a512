import io
import itertools

import tqdm

from deblock.records import progress_bar


class _Terminal(io.StringIO):
  def isatty(self):
    return True


def _shown(stream):
  with progress_bar.bar("working", "image", 3, stream) as bar:
    for _ in range(3):
      bar.update()
  return stream.getvalue()


def test_a_log_file_gets_plain_lines_that_are_few():
  first, last = _shown(io.StringIO()).splitlines()
  assert first.startswith("working:   0%|") and " 0/3 [" in first
  assert last.startswith("working: 100%|") and " 3/3 [" in last


def test_a_log_file_gets_no_control_characters():
  text = _shown(io.StringIO())
  assert "\r" not in text and "\x1b" not in text and not text.endswith("\n\n")


def test_a_line_is_added_after_a_while_and_the_last_one_is_not_repeated(monkeypatch):
  monkeypatch.setattr(progress_bar, "_LOG_SECONDS", 0.0)
  seconds = itertools.count()
  monkeypatch.setattr(tqdm.std, "time", lambda: next(seconds))
  counts = [line.partition("/3")[0][-1] for line in _shown(io.StringIO()).splitlines()]
  assert counts == ["0", "1", "2", "3"]


def test_a_terminal_shows_one_line_that_is_redrawn():
  text = _shown(_Terminal())
  assert text.count("\n") == 1 and text.endswith("\n")
  assert text.count("\r") >= 2


def test_a_note_stands_above_the_bar_in_a_terminal_and_is_a_line_in_a_log():
  terminal, log = _Terminal(), io.StringIO()
  for stream in (terminal, log):
    with progress_bar.bar("working", "image", 3, stream) as bar:
      bar.update(2)
      progress_bar.note("by the way", stream)
  assert "\rby the way\n\rworking:  67%" in terminal.getvalue()
  assert log.getvalue().splitlines()[1] == "by the way"


def test_a_bar_without_a_total_counts():
  stream = io.StringIO()
  with progress_bar.bar("working", "image", stream=stream) as bar:
    bar.update(2)
  assert stream.getvalue().splitlines()[-1].startswith("working: 2image [")
