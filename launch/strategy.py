"""Which devices a run computes on."""

import tensorflow as tf


def create(name: str) -> tf.distribute.Strategy:
  """Returns the distribution strategy that a name asks for.

  Args:
    name: "auto", "cpu", "gpu" or "mirrored", as --strategy describes them.
  Raises:
    ValueError: if a GPU is asked for and there is none, or the name is not known.
  """
  gpus = tf.config.list_logical_devices("GPU")
  if name == "auto":
    name = "mirrored" if len(gpus) > 1 else "gpu" if gpus else "cpu"
  if name == "cpu":
    return tf.distribute.OneDeviceStrategy("/cpu:0")
  if name == "gpu":
    if not gpus:
      raise ValueError(
        "strategy is gpu, but TensorFlow sees no GPU; use --strategy=cpu or auto, or see why with "
        "python -c 'import tensorflow as tf; tf.config.list_logical_devices()'."
      )
    return tf.distribute.OneDeviceStrategy("/gpu:0")
  if name == "mirrored":
    devices = gpus or tf.config.list_logical_devices("CPU")
    return tf.distribute.MirroredStrategy([device.name for device in devices])
  raise ValueError(f"strategy must be auto, cpu, gpu or mirrored, got {name!r}.")
