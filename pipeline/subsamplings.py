"""Distributions of chroma subsamplings, written as those of qualities are."""

import numpy as np

from deblock.pipeline import qualities
from deblock.records.jpeg import sampling as jpeg_sampling

# The order of the chances, which decides what is drawn.
SUBSAMPLINGS = tuple(jpeg_sampling.FACTORS)


def probabilities(text: str) -> np.ndarray:
  """Returns the chance of each of `SUBSAMPLINGS`, to be drawn by `qualities.draw`.

  Args:
    text: subsamplings separated by commas, all as likely: "420" or "420,444"; or several such
      lists, each with its weight: "0.6*420+0.2*422+0.2*444".
  Returns:
    float64 [3]; their sum is 1.
  Raises:
    ValueError: if the text is not like that, or names another subsampling.
  """
  chances = np.zeros(len(SUBSAMPLINGS))
  for weight, names in qualities.weighted_lists(
    "online_subsampling", text, "420 or 0.8*420+0.2*444"
  ):
    for name in names:
      chances[SUBSAMPLINGS.index(jpeg_sampling.check(name.strip()))] += weight / len(names)
  if not chances.sum() > 0:
    raise ValueError(f"online_subsampling must have a weight above 0, got {text!r}.")
  return chances / chances.sum()
