"""Crops that grow during a run: small ones first, whose steps cost less.

The number of crops in a batch stays the same, so that the step is still the place in the stream of
crops, the learning rate keeps its meaning, and a step with crops of half the side costs a quarter.
"""

import dataclasses
import itertools

from deblock.pipeline import config as input_config
from deblock.records.jpeg import sampling as jpeg_sampling


def parse(text: str) -> tuple[tuple[int, float], ...]:
  """Returns (crop size, share of the run where the stage ends) of each early stage.

  Args:
    text: such as "32@0.25,64@0.5"; empty for no early stages.
  Raises:
    ValueError: if the text has another form, a size is not a multiple of 8, or the shares do not
      rise within (0, 1).
  """
  stages = tuple(_stage(item.strip()) for item in text.split(",")) if text else ()
  ends = [0.0, *(end for _, end in stages), 1.0]
  if not all(before < after for before, after in itertools.pairwise(ends)):
    raise ValueError(f"early_crop_sizes must end at rising shares of the run, got {text!r}.")
  return stages


def _stage(item):
  size, _, end = item.partition("@")
  try:
    stage = int(size), float(end)
  except ValueError:
    raise ValueError(
      f"early_crop_sizes must be a list of SIZE@SHARE, such as 32@0.25,64@0.5, got {item!r}."
    ) from None
  if stage[0] <= 0 or stage[0] % jpeg_sampling.BLOCK:
    raise ValueError(
      f"early_crop_sizes must be multiples of 8, the JPEG block side, got {stage[0]}."
    )
  return stage


def sizes(inputs: input_config.InputConfig, text: str) -> tuple[int, ...]:
  """Returns the crop sizes of a run, from its first stage to its last."""
  return (*(size for size, _ in parse(text)), inputs.crop_size)


def inputs_at(inputs: input_config.InputConfig, text: str, done: float) -> input_config.InputConfig:
  """Returns the input of a run's present stage.

  Args:
    inputs: of the run, with its last crop size.
    text: the early crop sizes, as in `parse`.
    done: share of the run that is over, 0 to 1.
  """
  size = next((size for size, end in parse(text) if done < end), inputs.crop_size)
  return dataclasses.replace(inputs, crop_size=size)
