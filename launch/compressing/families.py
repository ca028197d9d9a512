"""The families of quantisation tables that can be asked for, without NumPy: see `ladder`."""

from typing import NamedTuple


class Sloped(NamedTuple):
  """A shape of tables: 1 + slope (u + v) / 14 for luma, and a multiple of that for chroma.

  u and v are the frequencies, 0 to 7.

  Attributes:
    slope: by how much the step of the highest frequency passes the first one, in first steps.
    chroma: steps of chroma in those of luma, of chroma at half the resolution (4:2:0).
    full_chroma: the same of chroma at full resolution (4:4:4).
  """

  slope: float
  chroma: float
  full_chroma: float


# What these are for, and how they were found: docs/compression.md. None: the standard's.
FAMILIES: dict[str, Sloped | None] = {"sloped": Sloped(2.0, 0.7, 1.4), "ijg": None}
AUTO = "auto"


def check(name: str) -> str:
  """Returns the name of a family, or "auto" for all of them, after checking it.

  Raises:
    ValueError: if it is neither.
  """
  if name not in (AUTO, *FAMILIES):
    raise ValueError(f"tables must be one of {', '.join((AUTO, *FAMILIES))}, got {name!r}.")
  return name
