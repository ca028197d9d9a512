"""The random choices of one drawn image: a stream of its own for each (split, seed, index)."""

from collections.abc import Sequence
import colorsys
from typing import TypeVar

import numpy as np

# Streams of different splits never meet, whatever the seeds are: see `Choices`.
SPLITS = ("train", "valid")

Colour = tuple[int, int, int]
BLACK: Colour = (0, 0, 0)
WHITE: Colour = (255, 255, 255)
_SEEDS = 2**64
_Choice = TypeVar("_Choice")


def mixed(one: Colour, other: Colour, share: float) -> Colour:
  """Returns a colour between two; the share, in [0, 1], is of the other one."""
  red, green, blue = (round(a + share * (b - a)) for a, b in zip(one, other, strict=True))
  return red, green, blue


class Choices:
  """What chance decides while one image is drawn.

  The split and the index are the spawn key of a `numpy.random.SeedSequence`, and the seed is its
  entropy. An image therefore depends on nothing that was drawn before it.

  Attributes:
    split: of `SPLITS`.
    generator: for arrays of numbers.
  """

  def __init__(self, split: str, seed: int, index: int):
    """Takes the split, the seed (modulo 2**64) and the index, 0 or more, of an image."""
    key = (SPLITS.index(split), index)
    self.split = split
    self.generator = np.random.Generator(
      np.random.PCG64(np.random.SeedSequence(seed % _SEEDS, spawn_key=key))
    )

  def integer(self, low: int, high: int) -> int:
    """Returns an integer from low to high, both of them possible; low if high is lower."""
    return int(self.generator.integers(low, max(low, high) + 1))

  def number(self, low: float, high: float) -> float:
    """Returns a number in [low, high)."""
    return low + (high - low) * float(self.generator.random())

  def happens(self, share: float) -> bool:
    """Returns True in this share of the calls."""
    return float(self.generator.random()) < share

  def pick(self, among: Sequence[_Choice]) -> _Choice:
    """Returns one of the items, each as likely as the others."""
    return among[int(self.generator.integers(len(among)))]

  def colour(
    self,
    saturation: tuple[float, float] = (0.0, 1.0),
    value: tuple[float, float] = (0.0, 1.0),
  ) -> Colour:
    """Returns a colour of any hue, with saturation and value in the ranges, of [0, 1]."""
    red, green, blue = colorsys.hsv_to_rgb(
      self.number(0.0, 1.0), self.number(*saturation), self.number(*value)
    )
    return round(255 * red), round(255 * green), round(255 * blue)

  def theme(self, dark: float = 0.4) -> "Theme":
    """Returns the colours of a page or a program, dark ones in that share of the calls."""
    return Theme(self, self.happens(dark))


class Theme:
  """Colours that go together: light on dark, or dark on light.

  Attributes:
    is_dark: whether the ground is dark.
    ground: of the page.
    panel: of bars and boxes, near the ground.
    edge: of thin lines.
    ink: of text.
    faint: of text that matters less.
    accents: six saturated colours.
  """

  def __init__(self, choices: Choices, is_dark: bool):
    """Draws the colours."""
    self.is_dark = is_dark
    if is_dark:
      level = choices.pick((0, 12, 24, 30, 36, 45))
      self.ground = _tinted(choices, level, 10)
      self.panel = _moved(self.ground, choices.integer(10, 26))
      self.edge = _moved(self.ground, choices.integer(28, 60))
      self.ink = _tinted(choices, choices.pick((255, 235, 220, 205)), -14)
      self.faint = mixed(self.ink, self.ground, 0.45)
      saturation, value = (0.35, 0.95), (0.65, 1.0)
    else:
      self.ground = choices.pick((WHITE, WHITE, _tinted(choices, 246, -12)))
      self.panel = _moved(self.ground, -choices.integer(6, 26))
      self.edge = _moved(self.ground, -choices.integer(30, 90))
      self.ink = choices.pick((BLACK, _tinted(choices, choices.integer(15, 70), 14)))
      self.faint = mixed(self.ink, self.ground, 0.5)
      saturation, value = (0.5, 1.0), (0.35, 0.95)
    self.accents = [choices.colour(saturation, value) for _ in range(6)]


def _tinted(choices, level, most):
  """Returns a gray level whose channels differ by up to `most` levels, to that side."""
  return tuple(
    int(np.clip(level + (choices.integer(0, abs(most)) * (1 if most > 0 else -1)), 0, 255))
    for _ in range(3)
  )


def _moved(colour, levels):
  return tuple(int(np.clip(channel + levels, 0, 255)) for channel in colour)
