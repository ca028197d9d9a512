"""A run's weights in the form of the pretrained weights: arrays with a checksum."""

import pathlib

from deblock.launch.portable import settings as settings_lib
from deblock.launch.run_folder import run_file, saved_weights
from deblock.model import pretrained
from deblock.model.networks import config as model_config
from deblock.model.networks import registry


def export(settings: settings_lib.WeightsConfig) -> int:
  """Writes a run's weights and returns the number of steps they were trained for.

  Raises:
    FileNotFoundError: if there is no run or no checkpoint.
    ValueError: if the run's network has settings that the file does not keep, or a weight is not
      finite in float16.
  """
  model = run_file.load(settings.logdir).model
  kept = model_config.ModelConfig(model=model.model, width=model.width)
  if model != kept:
    raise ValueError(
      f"{settings.logdir} holds {model}: exported weights keep only model and width."
    )
  network = registry.build(model)
  which = settings.checkpoint or saved_weights.LATEST
  step = saved_weights.load(settings.logdir, network, which, settings.weights)
  arrays = {variable.path: variable.numpy() for variable in network.weights}
  pretrained.save(settings.name, arrays, model, pathlib.Path(settings.output))
  return step
