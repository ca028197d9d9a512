"""What is told of a step whose loss is not finite."""

import tensorflow as tf

from deblock.launch.settings import train as train_settings
from deblock.pipeline import origins
from deblock.records import graph_errors
from deblock.records.layout import manifest as manifest_lib

_MOST_NAMED = 32


def origin(
  run: train_settings.RunConfig,
  manifest: manifest_lib.Manifest,
  replicas: int,
  step: int,
  host: int = 0,
  hosts: int = 1,
) -> str:
  """Returns a sentence that names the records which the batch of a step was cut from.

  Looking them up takes seconds, and happens once there is such a step.

  Args:
    run: all settings.
    manifest: of its records.
    replicas: that share the global batch, on all hosts.
    step: number of steps before it.
    host: whose share of the batch is told.
    hosts: that share the records.
  """
  here = replicas // hosts
  try:
    found = {
      key: None
      for place in range(step * here, (step + 1) * here)
      for key in origins.keys(
        run.input,
        manifest,
        run.train.seed,
        place,
        batch_size=run.input.batch_size // replicas,
        host=host,
        hosts=hosts,
      )
    }
  except tf.errors.OpError as error:
    return f"The records of its batch could not be looked up: {graph_errors.gist(error)}."
  except (OSError, ValueError) as error:
    return f"The records of its batch could not be looked up: {str(error).rstrip('.')}."
  names = list(found)
  more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
  share = "Its batch" if hosts == 1 else "This host's share of its batch"
  return f"{share} was cut from {', '.join(names[:_MOST_NAMED])}{more}."
