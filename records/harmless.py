"""Names and texts of others, made harmless for the place where they are shown.

File names, metadata and the names in other people's files can hold anything: sequences that rename
a terminal's window, line breaks that forge a line, characters that turn the order of a line around,
formulas, tags. JSON needs none of this, and stays exact.
"""

import re

# In a cell of a Markdown table: all that can begin a link, an image, code, an emphasis or a cell.
# Punctuation after a backslash is itself.
_MARKDOWN = re.compile(r"([\\`*_\[\]|])")
# Those by which some renderers begin more have no backslash in others; all know these.
_ENTITIES = str.maketrans(
  {"&": "&amp;", "<": "&lt;", ">": "&gt;", "~": "&#126;", "$": "&#36;", "@": "&#64;"}
)
_ADDRESS = re.compile(r"(?i)\bwww\.|://")
# Of a cell, where spreadsheets look for a formula; their wide forms too.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_FIRST_BYTE, _LAST_BYTE = 0xDC80, 0xDCFF  # Bytes of a file name that are not UTF-8, in Python.


def printable(text: str) -> str:
  r"""Returns text as one line: each character that is not printable becomes an escape.

  These are control characters and line breaks ("\x1b", "\n"), the invisible ones that turn the
  order around ("\u202e"), bytes that are not UTF-8 ("\xe9"), and spaces other than the usual one.
  """
  if text.isprintable():
    return text
  return "".join(char if char.isprintable() else _escape(char) for char in text)


def utf8(text: str) -> str:
  r"""Returns text that UTF-8 can hold: each byte that is not UTF-8 becomes an escape, "\xe9"."""
  return re.sub("[\ud800-\udfff]", lambda found: _escape(found[0]), text)


def csv_cell(text: str) -> str:
  """Returns a text as the cell of a CSV file, with a quote before what looks like a formula."""
  return f"'{text}" if text.startswith(_FORMULA) and not _is_number(text) else text


def markdown(text: str) -> str:
  """Returns a text as it is shown in a cell of a Markdown table, in HTML too."""
  text = _MARKDOWN.sub(r"\\\1", printable(text).translate(_ENTITIES))
  return _ADDRESS.sub(lambda found: "&#58;//" if found[0] == "://" else rf"{found[0][:-1]}\.", text)


def _escape(char):
  number = ord(char)
  if _FIRST_BYTE <= number <= _LAST_BYTE:
    return f"\\x{number - 0xDC00:02x}"
  return char.encode("unicode_escape").decode("ascii")


def _is_number(text):
  try:
    float(text)
  except ValueError:
    return False
  return True
