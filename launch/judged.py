"""The network that a training run is judged by."""

from collections.abc import Callable

import keras

from deblock.launch import config, optimization, optimization_config
from deblock.model import registry


def network(
  run: config.RunConfig, entry: registry.Entry, trained: keras.Model, rules: optimization.Rules
) -> tuple[keras.Model, Callable[[], None]]:
  """Returns the network to evaluate, and what brings its weights up to date.

  It computes in float32, and has the averaged weights if there are any: as the run's network will
  be used once it is trained. Where that is the trained network, it is no copy of it.

  Args:
    run: all settings.
    entry: what the registry says of the network.
    trained: the network that learns.
    rules: that it learns by.
  """
  if not rules.averages and run.train.precision == optimization_config.FLOAT32:
    return trained, lambda: None
  copy = entry.build(run.model.width, run.model.residual)
  current = rules.averages or [weight.value for weight in trained.weights]

  def update():
    for weight, value in zip(copy.weights, current, strict=True):
      weight.assign(value.numpy())

  return copy, update
