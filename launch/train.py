"""deblock-train: trains a network on records.

deblock-train --records=DIR --logdir=DIR --model=blockcnn --width=16 --max_steps=2000
"""

import dataclasses
import difflib
import math
import pathlib
import sys

from absl import flags

from deblock.launch import flags as config_flags
from deblock.launch import program
from deblock.launch.settings import train as train_settings
from deblock.model.networks import recommended
from deblock.records import console, option

_RECIPES = {
  path.stem: path for path in sorted(pathlib.Path(__file__).parent.glob("recipes/*.flags"))
}


@dataclasses.dataclass(frozen=True)
class ProgramConfig:
  """The options that are no settings of a run."""

  recipe: str = option.field(
    "",
    f"flags of a recipe, {', '.join(_RECIPES)}; flags behind it on the command line replace its "
    "own",
  )
  list_models: bool = option.field(
    False,
    "Print every network with its parameters, kMAC a pixel and defaults of training, and exit.",
  )


def model_table() -> str:
  """Returns a line for each network: its cost at its own width, its defaults, its description."""
  program.start_tensorflow(gpus=False)
  import tabulate

  from deblock.model import macs
  from deblock.model.networks import registry

  header = (
    *("model", "parameters", "kMAC/pixel", "crop", "batch", "rate", "loss", "qualities", "steps"),
    "description",
  )
  rows = []
  for name in registry.names():
    network, entry = registry.build(registry.usual(name)), registry.get(name)
    parameters = sum(math.prod(variable.shape) for variable in network.trainable_variables)
    work = macs.per_pixel(network, entry) / 1e3
    own = entry.training
    defaults = (own.crop_size, own.batch_size, f"{own.learning_rate:g}", entry.loss)
    steps = (own.online_qualities, f"{own.max_steps:,}")
    rows.append((name, f"{parameters:,}", f"{work:,.1f}", *defaults, *steps, entry.description))
  align = ("left", *5 * ("right",), "left", "left", "right", "left")
  return tabulate.tabulate(rows, header, "plain", colalign=align, disable_numparse=True)


def main(arguments):
  """Trains as the flags say; returns 128 + N if signal N stopped it."""
  del arguments
  if flags.FLAGS.list_models:
    console.say(*model_table().split("\n"))
    return None
  defaults = dataclasses.asdict(_recommended(flags.FLAGS.model))
  run = train_settings.RunConfig(
    **{
      name: config_flags.parse(part, defaults=defaults)
      for name, part in train_settings.PARTS.items()
    }
  )
  for name, value in (("records", run.input.records), ("logdir", run.train.logdir)):
    if not value:
      raise ValueError(f"{name} must name a folder: use --{name}=DIR.")
  program.start_tensorflow(gpus=run.train.strategy != "cpu")
  from deblock.launch.training import endings, loop, signals

  with signals.on_signals() as request:
    result = loop.train(run, stop=request)
  console.say(*endings.summary(result, run, sys.argv).split("\n"))
  return request.status if result.ending == endings.STOPPED else None


def _recommended(model):
  """Returns the defaults of a network."""
  if model in recommended.BY_NAME:
    return recommended.BY_NAME[model]
  program.start_tensorflow(gpus=flags.FLAGS.strategy != "cpu")
  from deblock.model.networks import registry

  return registry.get(model).training


def _expanded(argument):
  """Returns an argument, or the flag file of the recipe that it names."""
  flag, _, name = argument.partition("=")
  if flag not in ("--recipe", "-recipe") or not name:
    return argument
  if name not in _RECIPES:
    near = difflib.get_close_matches(name, _RECIPES, 1)
    proposal = f" Did you mean {near[0]}?" if near else ""
    console.complain(
      f"deblock-train: recipe must be one of {', '.join(_RECIPES)}, got {name!r}.{proposal}"
    )
    sys.exit(1)
  return f"--flagfile={_RECIPES[name]}"


def run():
  """Entry point of the console script."""
  sys.argv[1:] = map(_expanded, sys.argv[1:])
  program.run(main, *train_settings.PARTS.values(), ProgramConfig)


if __name__ == "__main__":
  run()
