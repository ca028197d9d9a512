"""A run's settings for TensorBoard's page of hyperparameters, where runs are compared."""

import dataclasses
import pathlib
import time

from tensorboard.plugins.hparams import api, api_pb2
from tensorboard.plugins.hparams import summary as hparams_summary

from deblock.launch.settings import train as train_settings

# What decides most of a result, shown even where it is the default.
_ALWAYS = ("model", "width", "loss", "learning_rate", "batch_size", "crop_size", "degradation")


def of(run: train_settings.RunConfig) -> dict[str, str | int | float | bool]:
  """Returns the settings to compare runs by: those that count most, and all that were changed.

  A page of every setting would be sixty columns wide. Folders and intervals, which change nothing
  that is learnt, are left out.
  """
  chosen = {}
  for part in (run.model, run.train, run.input):
    for field in dataclasses.fields(part):
      value = getattr(part, field.name)
      changed = value != field.default and not train_settings.is_free(field.name)
      if field.name in _ALWAYS or field.name == "max_steps" or changed:
        chosen[field.name] = ",".join(map(str, value)) if isinstance(value, tuple) else value
  return chosen


def start(run: train_settings.RunConfig) -> bytes:
  """Returns the serialised summary that opens a session."""
  # Otherwise the page calls a run by a hash of its settings.
  name = "/".join(pathlib.PurePath(run.train.logdir).parts[-2:])
  return api.hparams_pb(of(run), trial_id=name, start_time_secs=time.time()).SerializeToString()


def end(succeeded: bool) -> bytes:
  """Returns the serialised summary that closes a session."""
  status = api_pb2.STATUS_SUCCESS if succeeded else api_pb2.STATUS_FAILURE
  return hparams_summary.session_end_pb(status).SerializeToString()
