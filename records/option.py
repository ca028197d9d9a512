"""A dataclass field that a program turns into a flag."""

import dataclasses
from typing import Any


def field(default: Any, help_line: str) -> Any:
  """Returns a dataclass field: its default, and the line that --help shows for it."""
  return dataclasses.field(default=default, metadata={"help": help_line})
