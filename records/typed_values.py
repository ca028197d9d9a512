"""Dataclasses and named tuples from the values of a JSON file: each annotation says what may stand.

    class Shard(NamedTuple):
      file: typed_values.BaseName
      count: Annotated[int, typed_values.within(0, 2**24)]
      note: str | None = None

    build(Shard, {"file": "../x", "count": 1}, "m.json")
    # ValueError: m.json: file must be a file's name without folders, got "../x".

An annotation is one of bool, int, float, str, None, a union, tuple[X, ...], list[X], Mapping[str,
X], another such class, Any for whatever JSON holds, or Annotated[X, Rule(...)].
"""

from collections.abc import Callable, Mapping
import dataclasses
import functools
import re
import types
import typing
from typing import Annotated, Any, TypeVar

from deblock.records import json_text

T = TypeVar("T")

_LARGEST = 2**63 - 1  # What TensorFlow, NumPy and files of records hold.
_PLAIN_KEY = re.compile(r"[A-Za-z_][\w-]*")


@dataclasses.dataclass(frozen=True)
class Rule:
  """What a value must keep to, beside its type.

  Attributes:
    holds: whether a value of the type keeps to it.
    expected: what is expected instead, as the end of "must be ...".
  """

  holds: Callable[[Any], bool]
  expected: str


def within(least: float, most: float) -> Rule:
  """Returns the rule of a number in [least, most]."""
  word = "a number" if isinstance(least, float) or isinstance(most, float) else "a whole number"
  return Rule(lambda value: least <= value <= most, f"{word} from {least} to {most}")


def one_of(*words: str) -> Rule:
  """Returns the rule of a text that is one of these."""
  return Rule(lambda value: value in words, f"one of {', '.join(words)}")


def is_base_name(name: str) -> bool:
  """Returns whether a text names a file within a folder, on every system."""
  return (
    0 < len(name) <= 255
    and name not in (".", "..")
    and not any(letter in "/\\:" or ord(letter) < 32 for letter in name)
  )


BaseName = Annotated[str, Rule(is_base_name, "a file's name without folders")]
Count = Annotated[int, within(0, _LARGEST)]


def build(kind: type[T], values: Any, name: str) -> T:
  """Returns an object of a class with the values of a JSON object.

  Args:
    kind: a dataclass, a NamedTuple, or any other annotation.
    values: as `json_text.parse` returns them.
    name: of the file, for messages.
  Raises:
    ValueError: if a key is missing or unknown, or a value is not what its annotation says; names
      file, key, value, and what was expected.
  """
  try:
    return _reader(kind)(values)  # type: ignore[arg-type]
  except _MismatchError as error:
    where = f"{name}: {error.place()}" if error.keys else name
    raise ValueError(f"{where} {error.problem}.") from error.__cause__


def parse(kind: type[T], content: bytes | str, name: str, most_bytes: int = 0) -> T:
  """Returns `build` of `json_text.parse`.

  Args:
    kind: as in `build`.
    content: as in `json_text.parse`.
    name: of the file, for messages.
    most_bytes: that are parsed; 0 for `json_text.MOST_BYTES`.
  Raises:
    ValueError: as both do.
  """
  return build(kind, json_text.parse(content, name, most_bytes or json_text.MOST_BYTES), name)


class _MismatchError(Exception):
  """A value is not what was expected; the keys that lead to it are added on the way out."""

  def __init__(self, problem):
    super().__init__(problem)
    self.problem = problem
    self.keys: list[str | int] = []

  def place(self):
    """Returns the keys as splits.train[3].count."""
    parts = []
    for key in reversed(self.keys):
      if isinstance(key, int):
        parts.append(f"[{key}]")
      else:
        plain = key if _PLAIN_KEY.fullmatch(key) else json_text.quoted(key)
        parts.append(f".{plain}" if parts else plain)
    return "".join(parts)


def _mismatch(value, expected):
  return _MismatchError(f"must be {expected}, got {json_text.quoted(value)}")


@functools.cache
def _reader(kind) -> Callable[[Any], Any]:
  """Returns the function that checks a value and returns what it stands for."""
  origin, arguments = typing.get_origin(kind), typing.get_args(kind)
  if kind is Any:
    return lambda value: value
  if origin is Annotated:
    return _ruled(_reader(arguments[0]), arguments[1:])
  if origin in (typing.Union, types.UnionType):
    return _union([_reader(argument) for argument in arguments])
  if origin in (tuple, list):
    if origin is tuple and arguments[1:] != (...,):
      raise TypeError(f"{kind} is none of the annotations that are read.")
    return _sequence(origin, _reader(arguments[0]))
  if origin is not None and issubclass(origin, Mapping):
    return _mapping(_reader(arguments[1]))
  if kind in _SCALARS:
    return _SCALARS[kind]
  if dataclasses.is_dataclass(kind) or hasattr(kind, "_fields"):
    return _object(kind)
  raise TypeError(f"{kind} is none of the annotations that are read.")


def _ruled(read, rules):
  def ruled(value):
    # What breaks the type is said to break the rule, which says more.
    try:
      result = read(value)
    except _MismatchError as error:
      raise (error if error.keys else _mismatch(value, rules[0].expected)) from None
    for rule in rules:
      if not rule.holds(result):
        raise _mismatch(value, rule.expected)
    return result

  return ruled


def _union(readers):
  def union(value):
    problems = []
    for read in readers:
      try:
        return read(value)
      except _MismatchError as error:
        problems.append(error)
    raise problems[0]

  return union


def _sequence(kind, read):
  def sequence(value):
    if type(value) is not list:
      raise _mismatch(value, "a list")
    result: list[Any] = []
    try:
      for item in value:
        result.append(read(item))
    except _MismatchError as error:
      error.keys.append(len(result))
      raise
    return kind(result)

  return sequence


def _mapping(read):
  def mapping(value):
    if type(value) is not dict:
      raise _mismatch(value, "an object")
    result = {}
    for key, item in value.items():
      result[key] = _at(key, read, item)
    return result

  return mapping


def _object(kind):
  hints = typing.get_type_hints(kind, include_extras=True)
  if dataclasses.is_dataclass(kind):
    fields = [field for field in dataclasses.fields(kind) if field.init]
    missing = dataclasses.MISSING
    needed = {field.name for field in fields if field.default is field.default_factory is missing}
    readers = {field.name: _reader(hints[field.name]) for field in fields}
  else:
    readers = {name: _reader(hints[name]) for name in kind._fields}
    needed = set(kind._fields) - set(kind._field_defaults)

  def read(value):
    if type(value) is not dict:
      raise _mismatch(value, "an object")
    if not needed <= value.keys():
      raise _MismatchError(f"has no {', '.join(sorted(needed - value.keys()))}")
    found = {}
    for key, item in value.items():
      if key not in readers:
        raise _MismatchError(f"has the unknown key {json_text.quoted(key)}")
      try:
        found[key] = readers[key](item)
      except _MismatchError as error:
        error.keys.append(key)
        raise
    try:
      return kind(**found)
    except ValueError as error:  # The class's own check names its field.
      raise _MismatchError(f"cannot be used: {str(error).rstrip('.')}") from error

  return read


def _at(key, read, value):
  try:
    return read(value)
  except _MismatchError as error:
    error.keys.append(key)
    raise


def _scalar(kind, expected):
  def scalar(value):
    if type(value) is not kind:
      raise _mismatch(value, expected)
    return value

  return scalar


def _whole(value):
  if type(value) is not int:
    raise _mismatch(value, "a whole number")
  if not -_LARGEST <= value <= _LARGEST:
    raise _mismatch(value, "a whole number of at most 64 bits")
  return value


def _number(value):
  if type(value) is int and -_LARGEST <= value <= _LARGEST:
    return float(value)
  if type(value) is not float:
    raise _mismatch(value, "a number")
  return value


_SCALARS: dict[Any, Callable[[Any], Any]] = {
  int: _whole,
  float: _number,
  str: _scalar(str, "a text"),
  bool: _scalar(bool, "true or false"),
  type(None): _scalar(type(None), "null"),
}
