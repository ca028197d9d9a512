"""Photographs, and networks with weights that are neither zero nor one."""

import numpy as np
from PIL import Image
import pytest

from deblock.records import sources


def _photograph(height, width, name="astronaut.png", top=40, left=160):
  """Returns a crop of a real photograph, uint8 [height, width, 3]."""
  path = next(image.path for image in sources.packaged() if image.id == name)
  with Image.open(path) as picture:
    pixels = np.array(picture.convert("RGB"))
  return pixels[top : top + height, left : left + width]


def _randomize(network, seed=0):
  """Gives a network or layer random weights, statistics of its normalisations included."""
  random = np.random.default_rng(seed)
  for variable in network.weights:
    kind = variable.path.split("/")[-1]
    if kind in ("gamma", "moving_variance"):
      value = random.uniform(0.5, 1.5, variable.shape)
    elif kind == "kernel":
      fan_in = np.prod(variable.shape[:-1])
      value = random.normal(0.0, 1.0 / np.sqrt(fan_in), variable.shape)
    else:
      value = random.normal(0.0, 0.2, variable.shape)
    variable.assign(value)
  return network


@pytest.fixture(scope="session")
def photograph():
  """The function (height, width, name=..., top=40, left=160) -> uint8 [height, width, 3]."""
  return _photograph


@pytest.fixture(scope="session")
def randomize():
  """The function (network, seed=0) -> the network, all of whose weights are now random."""
  return _randomize
