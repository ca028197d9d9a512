"""Distributions of JPEG qualities: written as a text, drawn without state."""

import re

import numpy as np
import tensorflow as tf

from deblock.records import option
from deblock.records.jpeg import tables as jpeg_tables

# FBCNN's training (Jiang et al., ICCV 2021) draws three in four from {10, 20, ..., 60} and the rest
# evenly from 8 to 96.
NAMED = {"fbcnn": "0.75*10-60:10+0.25*8-96"}

_PART = re.compile(r"\s*(?:(?P<weight>\d+(?:\.\d*)?|\.\d+)\s*\*)?(?P<items>[^*]+)")


def probabilities(text: str, name: str = "online_qualities") -> np.ndarray:
  """Returns the chance of each quality.

  Args:
    text: qualities and ranges of them separated by commas, all as likely: "10,20,30" or "5-95" or
      "10-90:20"; or several such lists, each with its weight, "0.75*10-60:10+0.25*8-96"; or a name,
      "fbcnn".
    name: what an error calls the text, its flag.
  Returns:
    float64 [101], indexed by the quality; their sum is 1, and that of quality 0 is 0.
  Raises:
    ValueError: if the text is none of these, is empty, or names a quality outside [1, 100].
  """
  chances = np.zeros(101)
  lists = weighted_lists(name, NAMED.get(text, text), "5-95 or 0.75*10,20+0.25*8-96")
  for weight, items in lists:
    numbers = option.whole_numbers(name, items)
    for number in numbers:
      jpeg_tables.check_quality(number, f"each of {name}")
    np.add.at(chances, list(numbers), weight / len(numbers))
  if not chances.sum() > 0:
    raise ValueError(f"{name} must have a weight above 0, got {text!r}.")
  return chances / chances.sum()


def weighted_lists(name: str, text: str, example: str) -> list[tuple[float, list[str]]]:
  """Returns the weight and the items of each list in a text such as "0.75*10,20+0.25*30".

  Args:
    name: what an error calls the text, its flag.
    text: lists joined by "+", a weight and "*" before each or not, their items between commas.
    example: of such a text, for an error.
  Raises:
    ValueError: if the text is not like that.
  """
  lists = []
  for part in text.split("+"):
    found = _PART.fullmatch(part)
    if not found:
      raise ValueError(f"{name} must be like {example}, got {text!r}.")
    lists.append((float(found["weight"] or 1), found["items"].split(",")))
  return lists


def draw(chances: np.ndarray, count: int, seed: tf.Tensor) -> tf.Tensor:
  """Returns `count` independent qualities, or places in any other list of chances, int32 [count].

  Args:
    chances: as `probabilities` returns them: their sum is 1.
    count: how many.
    seed: int64 [2].
  """
  # The last step is exactly 1, which no uniform number reaches, whatever the sum rounds to.
  steps = np.cumsum(chances)
  steps[np.flatnonzero(chances)[-1] :] = 1.0
  drawn = tf.random.stateless_uniform((count,), seed, dtype=tf.float64)
  return tf.searchsorted(tf.constant(steps), drawn, side="right")
