"""Turns dataclass fields into absl flags, and parsed flags back into the dataclass.

A flag is declared once, by its field: name, type, default, and the help line in `metadata["help"]`.
The class validates the value.
"""

from collections.abc import Callable, Mapping
import dataclasses
import types
from typing import Any, TypeVar

from absl import flags

from deblock.records import option

# The flags belong to the programs that call `define`, so that their --help shows them.
flags.disclaim_key_flags()

Config = TypeVar("Config")

_DEFINERS: dict[Any, Callable] = {
  str: flags.DEFINE_string,
  int: flags.DEFINE_integer,
  float: flags.DEFINE_float,
  bool: flags.DEFINE_boolean,
  tuple[int, ...]: flags.DEFINE_list,
  tuple[str, ...]: flags.DEFINE_list,
}


def define(config_class: type, flag_values: flags.FlagValues = flags.FLAGS) -> None:
  """Defines a flag for every field of a dataclass, shown by the main program's --help."""
  for field in dataclasses.fields(config_class):
    default = field.default
    if isinstance(default, tuple):
      default = ",".join(str(item) for item in default)
    _DEFINERS[field.type](field.name, default, field.metadata["help"], flag_values=flag_values)


def parse(
  config_class: type[Config],
  flag_values: flags.FlagValues = flags.FLAGS,
  defaults: Mapping[str, Any] = types.MappingProxyType({}),
) -> Config:
  """Returns the dataclass that the parsed flags describe.

  Args:
    config_class: the dataclass.
    flag_values: the flags.
    defaults: values of flags that were not given, in place of their own defaults.
  Raises:
    ValueError: if an item of a list is neither a whole number nor a range of them (5-95, or
      10-90:20 in steps of 20), or the dataclass refuses a value.
  """
  values = {}
  for field in dataclasses.fields(config_class):  # type: ignore[arg-type]
    value: Any = flag_values[field.name].value
    if field.type == tuple[int, ...]:
      value = option.whole_numbers(field.name, value)
    elif field.type == tuple[str, ...]:
      value = tuple(value)
    given = flag_values[field.name].present
    values[field.name] = value if given else defaults.get(field.name, value)
  return config_class(**values)
