"""JSON from files that anybody may have written: bounded before it is parsed, and without NaN.

`json` by itself follows nesting into a RecursionError and reads NaN, Infinity and 1e999 as numbers
that no other program accepts. `typed_values` then says what the values must be.
"""

import json
import math
import re
from typing import Any

MOST_BYTES = 2**20  # Of a file, a line or a variable, unless the caller knows better.
MOST_DEPTH = 16  # The deepest file of ours has 5.
_MOST_DIGITS = 40  # Of a number. Those of ours have 20.

# Also a text that does not end: otherwise each of its quotes would be searched to the end.
_TEXT = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)', re.DOTALL)
_NO_BRACKET = re.compile(r"[^\[\]{}]+")
_PAIR = re.compile(r"\[\]|\{\}")
_LONGEST_QUOTE = 80


def parse(
  content: bytes | str, name: str, most_bytes: int = MOST_BYTES, finite: bool = True
) -> Any:
  """Returns the values that a JSON text holds.

  Args:
    content: the text, or its bytes in UTF-8.
    name: of the file, or what else an error is to call it.
    most_bytes: bytes, or letters, that are parsed.
    finite: whether NaN and Infinity are refused, as standard JSON does.
  Raises:
    ValueError: if it is larger, nested deeper than `MOST_DEPTH`, no JSON, or holds a number that is
      not finite or has more than 40 digits.
  """
  if len(content) > most_bytes:
    raise ValueError(f"{name} is too large: {len(content)} bytes, at most {most_bytes} are read.")
  try:
    text = content.decode("utf-8") if isinstance(content, bytes) else content
    if _is_too_deep(text):
      raise _UnfitError(f"brackets nested deeper than {MOST_DEPTH}")
    if not finite:
      return json.loads(text, parse_int=_short)
    return json.loads(text, parse_constant=_refused, parse_float=_finite, parse_int=_short)
  except _UnfitError as error:
    raise ValueError(f"{name} cannot be used: it holds {error}.") from None
  except UnicodeDecodeError as error:
    raise ValueError(f"{name} is not UTF-8 text: {error.reason} at byte {error.start}.") from error
  except json.JSONDecodeError as error:
    raise ValueError(f"{name} is not JSON: {error}.") from error


def quoted(value: Any) -> str:
  """Returns a value as a message shows it: on one line, printable, and of at most 80 letters."""
  try:
    text = json.dumps(value, ensure_ascii=True)
  except (TypeError, ValueError):
    text = ascii(value)
  return text if len(text) <= _LONGEST_QUOTE else f"{text[: _LONGEST_QUOTE - 3]}..."


class _UnfitError(Exception):
  """What a text holds that is not read."""


def _is_too_deep(text):
  """Returns whether brackets are nested deeper than MOST_DEPTH, without any recursion."""
  brackets = _NO_BRACKET.sub("", _TEXT.sub("", text))
  for _ in range(MOST_DEPTH):
    brackets = _PAIR.sub("", brackets)
  if len(brackets) > 4 * MOST_DEPTH:
    return True
  # Brackets that do not match are left to the parser, which says where.
  rest = brackets
  for _ in range(len(rest)):
    rest = _PAIR.sub("", rest)
  return bool(brackets) and not rest


def _refused(word):
  raise _UnfitError(f"a number that is not finite, {word}")


def _finite(digits):
  if not math.isfinite(value := float(digits)):
    raise _UnfitError(f"a number that is not finite, {digits[:_MOST_DIGITS]}")
  return value


def _short(digits):
  if len(digits) > _MOST_DIGITS:
    raise _UnfitError(f"a number of {len(digits)} digits")
  return int(digits)
