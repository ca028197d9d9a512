"""What a settings dataclass is made of: fields that become flags, and lists of whole numbers."""

from collections.abc import Iterable
import dataclasses
import re
from typing import Any

_ITEM = re.compile(r"\s*(-?\d+)(?:-(\d+)(?::(\d+))?)?\s*")


def field(default: Any, help_line: str) -> Any:
  """Returns a dataclass field with its default and the line that --help shows for it."""
  return dataclasses.field(default=default, metadata={"help": help_line})


def whole_numbers(name: str, items: Iterable[str]) -> tuple[int, ...]:
  """Returns the numbers that the items of a list stand for, in their order.

  Args:
    name: what an error calls the list, usually a flag's name.
    items: each a number, a range with both ends included, "5-95", or with steps, "10-90:20".
  Raises:
    ValueError: naming the first item that is none of these, or is a range without a number.
  """
  return tuple(number for item in items for number in _numbers(name, item))


def text(value: Any) -> str:
  """Returns a setting as a person writes it: lists of whole numbers as ranges, "10-60,75".

  The text of such a list is one that `whole_numbers` reads.

  Args:
    value: a plain value, or a list or tuple of them.
  """
  if not isinstance(value, (list, tuple)):
    return str(value)
  if not all(type(item) is int and item >= 0 for item in value):
    return ",".join(map(str, value))
  parts, rest = [], list(value)
  while rest:
    step = rest[1] - rest[0] if len(rest) > 1 else 0
    count = 1
    while step > 0 and count < len(rest) and rest[count] - rest[count - 1] == step:
      count += 1
    if count < 3:
      count = 1
      parts.append(str(rest[0]))
    else:
      parts.append(f"{rest[0]}-{rest[count - 1]}" + (f":{step}" if step > 1 else ""))
    rest = rest[count:]
  return ",".join(parts)


def _numbers(name, text):
  found = _ITEM.fullmatch(text)
  if not found:
    raise ValueError(
      f"{name} must be whole numbers or ranges such as 5-95 or 10-90:20, separated by commas, got "
      f"{text!r}."
    )
  first, last, step = found.groups()
  if last is None:
    return (int(first),)
  numbers = tuple(range(int(first), int(last) + 1, int(step or 1))) if step != "0" else ()
  if not numbers:
    raise ValueError(f"{name} has the range {text!r}, which holds no number.")
  return numbers
