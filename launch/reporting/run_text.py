"""What TensorBoard's text page says of a run: its settings, and what it runs on."""

import dataclasses
import importlib.metadata
import os
import platform

import tensorflow as tf

from deblock.launch.settings import train as train_settings

_PACKAGES = ("deblock", "tensorflow", "keras", "numpy", "pillow", "tensorboard")


def settings(run: train_settings.RunConfig) -> str:
  """Returns all settings as Markdown: a block of flags that can be saved as a flagfile."""
  lines = []
  for part in (run.model, run.input, run.train):
    for field in dataclasses.fields(part):
      value = getattr(part, field.name)
      lines.append(f"    --{field.name}={_joined(value) if isinstance(value, tuple) else value}")
  return "\n".join(lines)


def environment(strategy: tf.distribute.Strategy) -> str:
  """Returns versions, cores and devices as a Markdown table."""
  rows = [f"| {name} | {value} |" for name, value in describe(strategy).items()]
  return "\n".join(["| what | value |", "|---|---|", *rows])


def describe(strategy: tf.distribute.Strategy) -> dict[str, str]:
  """Returns names and values, without the names of the machine, its user or their folders."""
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


def _joined(values):
  return ",".join(map(str, values))


def _version(package):
  try:
    return importlib.metadata.version(package)
  except importlib.metadata.PackageNotFoundError:
    return "not installed"


def _usable_cores():
  # A container or a batch system may grant fewer than there are; not every system tells.
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
