"""Errors that records cause: which record is bad, and which ones a failed batch was made of."""

import tensorflow as tf

from deblock.launch.settings import train as train_settings
from deblock.pipeline import bad_records, held_out, origins
from deblock.records import graph_errors
from deblock.records.layout import manifest as manifest_lib

_MOST_NAMED = 32


def named_in_training(run: train_settings.RunConfig, manifest: manifest_lib.Manifest):
  """Returns a context for making batches, which raises BadRecordError for a bad record.

  After an error it reads the training shards once, and names the first bad record.

  Args:
    run: all settings.
    manifest: of its records.
  """

  def find(error):
    if run.input.on_bad_record == "skip":
      if isinstance(error, tf.errors.DataLossError):
        raise bad_records.BadRecordError(
          f"{manifest.folder} was damaged after it was checked at the start: "
          f"{graph_errors.gist(error)}. Start again to skip the damaged records as well."
        )
      return None
    rules = bad_records.rules_of(run.input, manifest.clean_encoding)
    return bad_records.first_stored(manifest, "train", rules)

  return bad_records.explained(manifest.folder, find)


def named_in_evaluation(run: train_settings.RunConfig, manifest: manifest_lib.Manifest):
  """Returns a context for reading the tiles to evaluate on. None of them may be skipped."""
  rules = bad_records.Rules(manifest.clean_encoding, qualities=run.input.qualities)
  split = held_out.split(run.input, manifest)
  return bad_records.explained(
    manifest.folder,
    lambda error: bad_records.first_stored(manifest, split, rules),
    may_be_left_out=False,
  )


def origin(
  run: train_settings.RunConfig,
  manifest: manifest_lib.Manifest,
  replicas: int,
  step: int,
  host: int = 0,
  hosts: int = 1,
) -> str:
  """Returns a sentence that names the records of a step's batch, for a loss that is not finite.

  Takes seconds.

  Args:
    run: all settings.
    manifest: of its records.
    replicas: that share the global batch, on all hosts.
    step: number of steps before it.
    host: index of the host whose share of the batch is named.
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
