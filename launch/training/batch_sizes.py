"""Batches that all replicas can share: the check, and the sizes that pass it."""

import dataclasses
import math

from deblock.pipeline import config as input_config


def check(inputs: input_config.InputConfig, replicas: int, parts: int) -> None:
  """Checks that every replica gets the same number of crops, and every part of its batch too.

  Args:
    inputs: with the global batch.
    replicas: that share a batch.
    parts: into which a replica divides its share.
  Raises:
    ValueError: if it cannot be; the message has the flags that work.
  """
  if inputs.batch_size % replicas:
    must = f"the {replicas} replicas"
  elif inputs.batch_size // replicas % parts:
    must = f"accumulate_steps, {parts}, on each of the {replicas} replicas"
  else:
    return
  proposals = [_flags(inputs, proposal) for proposal in near(inputs, replicas * parts)]
  raise ValueError(
    f"batch_size must be a multiple of {must}, got {inputs.batch_size}. Use "
    f"{' or '.join(proposals)}."
  )


def near(inputs: input_config.InputConfig, unit: int) -> list[input_config.InputConfig]:
  """Returns settings with the next smaller and the next larger batch that is a multiple of `unit`.

  Where the crops that are mixed together do not fill whole batches of that size, `mixed_tiles` is
  the nearest number that does.

  Args:
    inputs: whose batch is no multiple.
    unit: replicas, times the parts of each one's batch.
  """
  below = inputs.batch_size // unit * unit
  return [_with_batch(inputs, size) for size in (below, below + unit) if size]


def _with_batch(inputs, size):
  if inputs.sampling == "pairs":
    return dataclasses.replace(inputs, batch_size=size)
  step = size // math.gcd(size, inputs.crops_per_tile)
  tiles = inputs.mixed_tiles
  if tiles % step:
    tiles = max(round(tiles / step), 1) * step
  return dataclasses.replace(inputs, batch_size=size, mixed_tiles=tiles)


def _flags(inputs, proposal):
  names = ("batch_size", "mixed_tiles")
  changed = {name: getattr(proposal, name) for name in names}
  return " ".join(
    f"--{name}={value}" for name, value in changed.items() if value != getattr(inputs, name)
  )
