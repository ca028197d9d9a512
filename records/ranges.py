"""Lists of whole numbers as texts: 10,20 or 5-95 or 10-90:20."""

from collections.abc import Iterable
import re

_ITEM = re.compile(r"\s*(-?\d+)(?:-(\d+)(?::(\d+))?)?\s*")


def whole_numbers(name: str, items: Iterable[str]) -> tuple[int, ...]:
  """Returns the numbers that the items of a list stand for, in their order.

  Args:
    name: what an error calls the list, a flag's name as a rule.
    items: each a number, a range with both its ends, "5-95", or one in steps, "10-90:20".
  Raises:
    ValueError: naming the first item that is none of these, or is a range without a number.
  """
  return tuple(number for item in items for number in _numbers(name, item))


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
