"""Which tables to take: a search over kinds of JPEGs that knows nothing of images.

A kind is a family of tables with a sampling of chroma. Along its ladder files become smaller and
worse from rung to rung, but for noise. Encoding is cheap, restoring is not: of each further kind
the first file that is smaller than the best one so far is restored, and often that one alone.
"""

from collections.abc import Callable, Hashable, Sequence
import functools
from typing import NamedTuple, Protocol


class Trials(Protocol):
  """What a search may ask of an image. It asks again, so answers should be kept."""

  def size(self, kind: Hashable, rung: int) -> int:
    """Returns the bytes of the file."""

  def quality(self, kind: Hashable, rung: int) -> float:
    """Returns how good the file is, restored."""


class Found(NamedTuple):
  """A file that was found.

  Attributes:
    kind: its family of tables and its sampling.
    rung: of its tables.
    size: in bytes.
    quality: restored.
  """

  kind: Hashable
  rung: int
  size: int
  quality: float


def last_reaching(
  value: Callable[[int], float],
  target: float,
  last: int,
  guess: int,
  slope: float,
  tolerance: float,
) -> int | None:
  """Returns the last number of 0 to `last` for which a falling function reaches a target.

  By secants, kept between the last number that is known to reach it and the first that does not,
  with bisection in every third step. Thus a smooth function is asked for four or five values, and
  any other for three times as many as bisection asks for, at most.

  Args:
    value: the function; if it does not fall all the way, some number that reaches the target and
      whose successor does not is found.
    target: that the value must reach.
    last: the largest number.
    guess: the number to begin with.
    slope: the guessed change of the value from a number to the next, below zero.
    tolerance: above the target within which a value is as good as the last that reaches it.
  Returns:
    None if no value reaches the target.
  """
  reaching, failing = -1, last + 1
  step, seen = 0, None
  number = min(max(guess, 0), last)
  while True:
    found = value(number)
    if found >= target:
      reaching = number
      if found - target <= tolerance:
        return number
    else:
      failing = number
    if failing - reaching == 1:
      return reaching if reaching >= 0 else None
    if seen is not None and found != seen[1]:
      measured = (found - seen[1]) / (number - seen[0])
      slope = measured if measured < 0 else slope
    seen = number, found
    step += 1
    # Aims at the middle of what is tolerated.
    aimed = round(number + (target + tolerance / 2 - found) / slope)
    number = min(max(aimed, reaching + 1), failing - 1)
    if step % 3 == 0:
      number = (reaching + failing) // 2


def fewest_bytes(
  kinds: Sequence[Hashable],
  trials: Trials,
  target: float,
  tolerance: float,
  last: int,
  guess: int,
  slope: float,
) -> Found | None:
  """Returns the smallest file that reaches a quality.

  Args:
    kinds: to choose from, the likeliest first.
    trials: sizes and qualities.
    target: the quality to reach.
    tolerance: by which it may be passed.
    last: the last rung of the ladders.
    guess: the rung to begin with.
    slope: as in `last_reaching`.
  Returns:
    None if no file reaches it.
  """
  best: Found | None = None
  for kind in kinds:
    first = 0
    if best is not None:
      first = _first_smaller(kind, trials, best.size, last, guess)
      if first > last or trials.quality(kind, first) < target:
        continue
    start = guess if best is None else first + round(tolerance / -slope)
    quality = functools.partial(trials.quality, kind)
    rung = last_reaching(quality, target, last, start, slope, tolerance)
    if rung is None:
      continue
    found = Found(kind, rung, trials.size(kind, rung), trials.quality(kind, rung))
    if best is None or found.size < best.size:
      best, guess = found, rung
  return best


def best_quality(
  kinds: Sequence[Hashable], trials: Trials, most_bytes: int, last: int, guess: int
) -> Found | None:
  """Returns the best file of at most so many bytes; None if there is none so small."""
  best: Found | None = None
  for kind in kinds:
    rung = _first_smaller(kind, trials, most_bytes + 1, last, guess)
    if rung > last:
      continue
    found = Found(kind, rung, trials.size(kind, rung), trials.quality(kind, rung))
    if best is None or found.quality > best.quality:
      best, guess = found, rung
  return best


def _first_smaller(kind, trials, size, last, guess):
  """Returns the first rung with a file smaller than that; last + 1 if there is none."""
  # A file has half the bytes about an octave later.
  slope = -0.006 * size
  rung = last_reaching(functools.partial(trials.size, kind), size, last, guess, slope, 0.0)
  return 0 if rung is None else rung + 1
