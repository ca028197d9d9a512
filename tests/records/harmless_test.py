import html.parser
import os
import unicodedata

import markdown
import markdown_it
import pytest

from deblock.records import harmless

# A title is set, a line forged, the order turned around; bytes that are not UTF-8, half a pair.
HOSTILE = (
  "\x1b]0;owned\x07.jpg",
  "a.jpg\nrestored: b.jpg",
  "a\u202egpj.exe",
  os.fsdecode(b"caf\xe9.jpg"),
  "\ud800.jpg",
  "a\x9b31mred.jpg",
  "a\u2028b\u2066\u200bc.jpg",
)
_MOST = 0x110000


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_becomes_one_line_that_shows_what_it_holds(name):
  shown = harmless.printable(name)
  assert shown.isprintable() and "\\" in shown and shown != name
  assert shown.encode("utf-8")


def test_every_character_is_shown_or_escaped_and_none_is_lost():
  every = [chr(number) for number in range(_MOST)]
  shown = [harmless.printable(char) for char in every]
  assert all(text.isprintable() and text for text in shown)
  # Nothing that controls, turns around or hides is left; letters of all languages are.
  kept = [char for char, text in zip(every, shown, strict=True) if text == char]
  assert {unicodedata.category(char)[0] for char in kept} == {"L", "M", "N", "P", "S", "Z"}
  assert harmless.printable("Ärger, 東京 → 4:2:0 🙂") == "Ärger, 東京 → 4:2:0 🙂"
  assert len(set(shown)) > 0.99 * _MOST


def test_text_that_utf8_holds_stays_exact():
  assert harmless.utf8("a\n\x1b\u202e") == "a\n\x1b\u202e"
  assert harmless.utf8(os.fsdecode(b"caf\xe9") + "\ud800") == r"caf\xe9\ud800"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\uff1d"])
def test_what_spreadsheets_take_for_a_formula_is_quoted(start):
  assert harmless.csv_cell(f"{start}cmd|' /C calc'!A0") == f"'{start}cmd|' /C calc'!A0"


def test_numbers_and_names_are_not_quoted():
  for text in ("-1.5", "+0.25", "1e-3", "photo.jpg", "a=b", ""):
    assert harmless.csv_cell(text) == text


@pytest.mark.parametrize(
  "text",
  [
    *HOSTILE,
    *("a|b", "`code`", "*x* _y_ __z__", "~~x~~", "[x](http://evil)", "![x](y)", "<img src=x>"),
    *("&lt;b&gt;", "<!-- x", "https://evil.example", "www.evil.example", "a@b.example", "C:\\x\\|"),
  ],
)
@pytest.mark.parametrize("renderer", ["TensorBoard's", "CommonMark"])
def test_markdown_shows_a_text_as_it_is(text, renderer):
  table = f"| a | b |\n|---|---|\n| {harmless.markdown(text)} | 2 |\n"
  if renderer == "CommonMark":
    page = markdown_it.MarkdownIt().enable(["table", "strikethrough"]).render(table)
  else:
    page = markdown.markdown(table, extensions=["tables"])
  cells = _Cells(page)
  assert cells.texts[-2:] == [harmless.printable(text), "2"] and len(cells.texts) == 4
  assert cells.tags <= {"table", "thead", "tbody", "tr", "th", "td"}


class _Cells(html.parser.HTMLParser):
  """What a page of one table shows: its tags, and the text of each cell."""

  def __init__(self, page):
    super().__init__()
    self.tags, self.texts = set(), []
    self.feed(page)

  def handle_starttag(self, tag, attrs):
    self.tags.add(tag)
    if tag in ("td", "th"):
      self.texts.append("")

  def handle_data(self, data):
    if self.texts and data.strip():
      self.texts[-1] += data
