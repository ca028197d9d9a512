"""A run's weights in the form of the pretrained weights: arrays with a checksum."""

import dataclasses
import pathlib

from deblock.launch.run_folder import checkpoint_folder, run_file, saved_weights
from deblock.model import pretrained
from deblock.model.networks import config as model_config
from deblock.model.networks import registry
from deblock.records import option


@dataclasses.dataclass(frozen=True)
class WeightsConfig:
  """Which weights to write, and where to."""

  logdir: str = option.field("", "folder of the run whose weights are written")
  checkpoint: str = option.field("", checkpoint_folder.WHICH_HELP)
  weights: str = option.field(saved_weights.AUTO, saved_weights.KIND_HELP)
  name: str = option.field("", "name of the weights, such as default")
  output: str = option.field("", "folder for NAME.npz and the line of weights.json")

  def __post_init__(self):
    """Raises ValueError where a field is missing or out of range."""
    for field in ("logdir", "name", "output"):
      if not getattr(self, field):
        raise ValueError(f"{field} is missing: use --{field}=.")
    if not self.name.isidentifier():
      raise ValueError(f"name must be a word of letters, digits and _, got {self.name!r}.")
    checkpoint_folder.check_which(self.checkpoint, self.logdir)
    saved_weights.check_kind(self.weights, self.logdir)


def export(settings: WeightsConfig) -> int:
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
