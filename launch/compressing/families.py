"""The families of quantisation tables that can be asked for, without NumPy: see `ladder`."""

from typing import NamedTuple


class Sloped(NamedTuple):
  """A shape of tables: 1 + slope (u + v) / 14 for luma, and `chroma` times that for chroma.

  u and v are the frequencies, 0 to 7.

  Attributes:
    slope: by how much the step of the highest frequency passes the first one, in first steps.
    chroma: steps of chroma in those of luma.
  """

  slope: float
  chroma: float


# What these are for, and how they were found: docs/compression.md. None: the standard's.
FAMILIES: dict[str, Sloped | None] = {"ijg": None, "sloped": Sloped(1.0, 1.0)}
AUTO = "auto"


def check(name: str) -> str:
  """Returns the name of a family, or "auto" for all of them, after checking it.

  Raises:
    ValueError: if it is neither.
  """
  if name not in (AUTO, *FAMILIES):
    raise ValueError(f"tables must be one of {', '.join((AUTO, *FAMILIES))}, got {name!r}.")
  return name
