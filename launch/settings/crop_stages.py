"""Crops that grow in the course of a run: small ones first, which cost less a step.

The number of crops in a batch stays the same. So the place in the stream of crops is still the
step, the learning rate means what it meant, and a step with crops of half the side costs a quarter.
"""

from collections.abc import Callable
import dataclasses
import itertools
from typing import Any

from deblock.pipeline import config as input_config
from deblock.records.jpeg import sampling as jpeg_sampling


def parse(text: str) -> tuple[tuple[int, float], ...]:
  """Returns (crop size, share of the run where it ends) of each early stage.

  Args:
    text: such as "32@0.25,64@0.5"; empty for none.
  Raises:
    ValueError: if it is spelt otherwise, a size is no multiple of 8, or the shares do not rise
      within (0, 1).
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


class Batches:
  """The batches of a run, whose crops change size where its stages do.

  Args:
    inputs: of the run, with its last crop size.
    text: the early crop sizes, as in `parse`.
    open_at: makes an iterator of batches from what they are made of and the step to begin at.
  """

  def __init__(
    self,
    inputs: input_config.InputConfig,
    text: str,
    open_at: Callable[[input_config.InputConfig, int], Any],
  ):
    self._last, self._stages, self._open_at = inputs, parse(text), open_at
    self._iterator: Any = None
    self.inputs = inputs

  def at(self, step: int, done: float) -> Any:
    """Returns the iterator of the batches that follow, opened anew where crops change their size.

    Args:
      step: steps taken.
      done: share of the run that is over.
    """
    size = next((size for size, end in self._stages if done < end), self._last.crop_size)
    if self._iterator is None or size != self.inputs.crop_size:
      self.inputs = dataclasses.replace(self._last, crop_size=size)
      self._iterator = self._open_at(self.inputs, step)
    return self._iterator
