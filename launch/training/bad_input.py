"""Errors of the graph that a bad record caused, told with the record's shard and number."""

import tensorflow as tf

from deblock.launch.settings import train as train_settings
from deblock.pipeline import bad_records
from deblock.records import graph_errors
from deblock.records.layout import manifest as manifest_lib


def named_in_training(run: train_settings.RunConfig, manifest: manifest_lib.Manifest):
  """Returns a context for the making of batches, which raises BadRecordError for a bad record.

  On an error all training records are checked once, and the first bad one is named.

  Args:
    run: all settings.
    manifest: of its records.
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
    return bad_records.first_stored(manifest, "train", rules)

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
