"""Photographs, and networks with weights that are neither zero nor one."""

import functools

import keras
import numpy as np
from PIL import Image
import pytest

from deblock.model.networks import registry
from deblock.records.sources import packaged


def _photograph(height, width, name="astronaut.png", top=40, left=160):
  """Returns a crop of a real photograph, uint8 [height, width, 3]."""
  path = next(image.path for image in packaged.packaged() if image.id == name)
  with Image.open(path) as picture:
    pixels = np.array(picture.convert("RGB"))
  return pixels[top : top + height, left : left + width]


@functools.cache
def _built(name, residual):
  """Returns a network 3 wide and its initial weights."""
  keras.utils.set_random_seed(0)
  network = registry.get(name).build(3, residual)
  return network, network.get_weights()


def _randomize(network, seed=3):
  """Gives a network or layer random weights, statistics of its normalisations included."""
  random = np.random.default_rng(seed)
  for variable in network.weights:
    kind = variable.path.split("/")[-1]
    if kind in ("gamma", "moving_variance"):
      value = random.uniform(0.5, 1.5, variable.shape)
    elif kind == "kernel":
      fan_in = np.prod(variable.shape[:-1])
      value = random.normal(0.0, np.sqrt(2.0 / fan_in), variable.shape)
    else:
      value = random.normal(0.0, 0.2, variable.shape)
    variable.assign(value)
  return network


@pytest.fixture(scope="session")
def photograph():
  """The function (height, width, name=..., top=40, left=160) -> uint8 [height, width, 3]."""
  return _photograph


@pytest.fixture(scope="session")
def random_network():
  """The function (name, residual=True) -> a network 3 wide with random weights.

  Building takes longer than running, so each is built once and shared: the next test that asks for
  it gets the same one with its weights set again.
  """

  return lambda name, residual=True: _randomize(_built(name, residual)[0])


@pytest.fixture(scope="session")
def untrained():
  """The function (name, residual=True) -> the network of `random_network` as it was built."""

  def reset(name, residual=True):
    network, initial = _built(name, residual)
    network.set_weights(initial)
    return network

  return reset


@pytest.fixture(scope="session")
def randomize():
  """The function (network, seed=3) -> the network, all of whose weights are now random."""
  return _randomize
