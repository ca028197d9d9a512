"""Errors of the graph that a bad record caused, told with the record's shard and number."""

import tensorflow as tf

from deblock.launch.settings import train as train_settings
from deblock.pipeline import bad_records
from deblock.records import graph_errors
from deblock.records.layout import manifest as manifest_lib


def named_in_training(
  run: train_settings.RunConfig,
  manifest: manifest_lib.Manifest,
  replicas: int,
  step: int,
  count: int,
  hosts: int = 1,
):
  """Returns a context for the making of batches, which raises BadRecordError for a bad record.

  Looking for it takes seconds, and happens once there is an error.

  Args:
    run: all settings.
    manifest: of its records.
    replicas: that share the global batch.
    step: first of the steps whose batches are made.
    count: number of those steps.
    hosts: that share the records; with several, the whole of these is looked through.
  """
  rules = bad_records.rules_of(run.input, manifest.clean_encoding)

  def find(error):
    if run.input.on_bad_record == "skip":
      if isinstance(error, tf.errors.DataLossError):
        raise bad_records.BadRecordError(
          f"{manifest.folder} was damaged after it was checked at the start: "
          f"{graph_errors.gist(error)}. Start again, to leave that out as well."
        )
      return None
    if run.input.sampling == "pairs" or run.input.data_service or hosts > 1:
      return bad_records.first_stored(manifest, "train", rules)
    batch_size = run.input.batch_size // replicas
    found = bad_records.first_in_stream(
      run.input, manifest, run.train.seed, step * replicas, count * replicas, batch_size
    )
    if found is None and isinstance(error, tf.errors.DataLossError):
      # A run that goes on reads what it passes over, too.
      found = bad_records.first_stored(manifest, "train", rules)
    return found

  return bad_records.explained(manifest.folder, find)


def named_in_evaluation(run: train_settings.RunConfig, manifest: manifest_lib.Manifest):
  """Returns a context for reading the tiles to evaluate on, none of which may be left out."""
  rules = bad_records.Rules(manifest.clean_encoding, qualities=run.input.qualities)
  split = "train" if run.input.sampling == "pairs" else "test"
  return bad_records.explained(
    manifest.folder,
    lambda error: bad_records.first_stored(manifest, split, rules),
    may_be_left_out=False,
  )
