"""What TensorBoard shows of a run besides its curves: settings, environment, hyperparameters."""

import dataclasses
import importlib.metadata
import os
import pathlib
import platform
import time

from tensorboard.plugins.hparams import api, api_pb2
from tensorboard.plugins.hparams import summary as hparams_summary
import tensorflow as tf

from deblock.launch.settings import train as train_settings
from deblock.records import harmless, option

# Hyperparameters that decide most of a result, shown even where they have their default.
_ALWAYS = (
  "model",
  "width",
  "loss",
  "learning_rate",
  "batch_size",
  "crop_size",
  "degradation",
  "max_steps",
)
_PACKAGES = ("deblock", "tensorflow", "keras", "numpy", "pillow", "tensorboard")


def settings(run: train_settings.RunConfig) -> str:
  """Returns all settings as Markdown: a block of flags that can be saved as a flagfile."""
  settings = train_settings.settings_of(run).items()
  return "\n".join(f"    --{name}={harmless.printable(_text(value))}" for name, value in settings)


def hyperparameters(run: train_settings.RunConfig) -> dict[str, str | int | float | bool]:
  """Returns the settings to compare runs by: the most important ones, and all that were changed.

  A page of every setting would be sixty columns wide. Folders and intervals, which do not change
  what is learnt, are left out.
  """
  chosen = {}
  for part in (getattr(run, name) for name in train_settings.PARTS):
    for field in dataclasses.fields(part):
      value = getattr(part, field.name)
      changed = value != field.default and not train_settings.is_free(field.name)
      if field.name in _ALWAYS or changed:
        chosen[field.name] = _text(value) if isinstance(value, tuple) else value
  return chosen


def session_start(run: train_settings.RunConfig) -> bytes:
  """Returns the serialised summary that opens a session of TensorBoard's hyperparameter page."""
  # Otherwise the page calls a run by a hash of its settings.
  name = "/".join(pathlib.PurePath(run.train.logdir).parts[-2:])
  summary = api.hparams_pb(hyperparameters(run), trial_id=name, start_time_secs=time.time())
  return summary.SerializeToString()


def session_end(succeeded: bool) -> bytes:
  """Returns the serialised summary that closes a session."""
  status = api_pb2.STATUS_SUCCESS if succeeded else api_pb2.STATUS_FAILURE
  return hparams_summary.session_end_pb(status).SerializeToString()


def environment(strategy: tf.distribute.Strategy) -> str:
  """Returns versions, cores and devices as a Markdown table."""
  rows = [f"| {name} | {harmless.markdown(value)} |" for name, value in describe(strategy).items()]
  return "\n".join(["| what | value |", "|---|---|", *rows])


def describe(strategy: tf.distribute.Strategy) -> dict[str, str]:
  """Returns names and values, without the names of the machine, its user or its folders."""
  versions = {name: _version(name) for name in _PACKAGES}
  devices = [device.name.removeprefix("/device:") for device in tf.config.list_logical_devices()]
  return {
    "Python": platform.python_version(),
    **versions,
    "system": f"{platform.system()} {platform.machine()}",
    "cores": f"{_usable_cores()} of {os.cpu_count()}",
    "devices": ", ".join(devices),
    **_accelerators(),
    "strategy": f"{type(strategy).__name__}, {strategy.num_replicas_in_sync} replica(s)",
  }


def _text(value):
  return option.text(value)


def _version(package):
  try:
    return importlib.metadata.version(package)
  except importlib.metadata.PackageNotFoundError:
    return "not installed"


def _usable_cores():
  # A container or a batch system may grant fewer cores; not every system can say so.
  if hasattr(os, "sched_getaffinity"):
    return len(os.sched_getaffinity(0))
  return os.cpu_count()


def _accelerators():
  found = {}
  for device in tf.config.list_physical_devices("GPU"):
    details = tf.config.experimental.get_device_details(device)
    name = device.name.removeprefix("/physical_device:")
    found[name] = str(details.get("device_name", "unknown"))
  return found
