"""The networks that a training run is judged by."""

from collections.abc import Callable

import keras

from deblock.launch.run_folder import history
from deblock.launch.settings import optimization as optimization_settings
from deblock.launch.settings import train as train_settings
from deblock.launch.training import optimization
from deblock.model import restorer
from deblock.model.networks import registry


def restorers(
  run: train_settings.RunConfig,
  entry: registry.Entry,
  trained: keras.Model,
  rules: optimization.Rules,
) -> Callable[[], dict[str, restorer.Restorer]]:
  """Returns what makes restorers of the present weights, by series: averaged ones if there are any.

  They compute in float32, as the run's network will be used once it is trained. They are made anew
  for each evaluation, since constant weights are worth more than the time to compile.

  Args:
    run: all settings.
    entry: what the registry says of the network.
    trained: the network that learns.
    rules: that it learns by.
  """
  plain = not rules.averages and run.train.precision == optimization_settings.FLOAT32
  copy = trained if plain else entry.build(run.model.width, run.model.residual)
  current = {history.MAIN: [weight.value for weight in trained.weights]}
  if rules.averages:
    current[history.AVERAGED] = list(rules.averages)

  def make():
    made = {}
    for series, values in current.items():
      if not plain:
        for weight, value in zip(copy.weights, values, strict=True):
          weight.assign(value.numpy())
      made[series] = restorer.Restorer(copy, entry, constant=True)
    return made

  return make
