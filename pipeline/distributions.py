"""Distributions of qualities and chroma subsamplings: written as a text, drawn without state."""

import re

import numpy as np

from deblock.records import option
from deblock.records.jpeg import sampling as jpeg_sampling
from deblock.records.jpeg import tables as jpeg_tables

# FBCNN's training (Jiang et al., ICCV 2021): three in four from {10, 20, ..., 60}, the others
# uniformly from 8 to 96.
NAMED = {"fbcnn": "0.75*10-60:10+0.25*8-96"}

# The index of a subsampling here is what `draw` returns for it.
SUBSAMPLINGS = tuple(jpeg_sampling.FACTORS)

_PART = re.compile(r"\s*(?:(?P<weight>\d+(?:\.\d*)?|\.\d+)\s*\*)?(?P<items>[^*]+)")


def of_qualities(text: str, name: str = "online_qualities") -> np.ndarray:
  """Returns the probability of each quality.

  Args:
    text: qualities and ranges separated by commas, all equally likely: "10,20,30" or "5-95" or
      "10-90:20"; or several such lists with weights, "0.75*10-60:10+0.25*8-96"; or a name, "fbcnn".
    name: the flag, for messages.
  Returns:
    float64 [101], indexed by the quality, with the sum 1; quality 0 has probability 0.
  Raises:
    ValueError: if the text has another form, is empty, or names a quality outside [1, 100].
  """
  chances = np.zeros(101)
  lists = _weighted_lists(name, NAMED.get(text, text), "5-95 or 0.75*10,20+0.25*8-96")
  for weight, items in lists:
    numbers = option.whole_numbers(name, items)
    for number in numbers:
      jpeg_tables.check_quality(number, f"each of {name}")
    np.add.at(chances, list(numbers), weight / len(numbers))
  return _normalized(chances, name, text)


def of_subsamplings(text: str) -> np.ndarray:
  """Returns the probability of each of `SUBSAMPLINGS`.

  Args:
    text: subsamplings separated by commas, all equally likely: "420" or "420,444"; or several such
      lists with weights: "0.6*420+0.2*422+0.2*444".
  Returns:
    float64 [3] with the sum 1.
  Raises:
    ValueError: if the text has another form, or names another subsampling.
  """
  chances = np.zeros(len(SUBSAMPLINGS))
  lists = _weighted_lists("online_subsampling", text, "420 or 0.8*420+0.2*444")
  for weight, names in lists:
    for name in names:
      chances[SUBSAMPLINGS.index(jpeg_sampling.check(name.strip()))] += weight / len(names)
  return _normalized(chances, "online_subsampling", text)


def draw(chances: np.ndarray, count: int, seed):
  """Returns `count` independent draws of an index into `chances`, int32 [count].

  Args:
    chances: the probability of each index; their sum is 1.
    count: number of draws.
    seed: int64 [2].
  """
  # Here, so that settings are checked without it.
  import tensorflow as tf

  # The last step is exactly 1, above every uniform number, even if the sum rounds to less.
  steps = np.cumsum(chances)
  steps[np.flatnonzero(chances)[-1] :] = 1.0
  drawn = tf.random.stateless_uniform((count,), seed, dtype=tf.float64)
  return tf.searchsorted(tf.constant(steps), drawn, side="right")


def _weighted_lists(name, text, example):
  """Returns (weight, items) of each list in a text such as "0.75*10,20+0.25*30"."""
  lists = []
  for part in text.split("+"):
    found = _PART.fullmatch(part)
    if not found:
      raise ValueError(f"{name} must be like {example}, got {text!r}.")
    lists.append((float(found["weight"] or 1), found["items"].split(",")))
  return lists


def _normalized(chances, name, text):
  if not chances.sum() > 0:
    raise ValueError(f"{name} must have a weight above 0, got {text!r}.")
  return chances / chances.sum()
