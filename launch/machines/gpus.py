"""GPUs before their first use: whether this process may use them, and how it takes their memory."""

from absl import logging
import tensorflow as tf

from deblock.launch.machines import gpu_faults


def prepare(used: bool) -> None:
  """Hides all GPUs from this process, or lets it take their memory as it needs it.

  TensorFlow's default is all memory of every GPU at once: a second program beside a training, such
  as an evaluation, would then have none. A warning names each GPU that will not work.

  Args:
    used: whether this process computes on GPUs.
  Raises:
    RuntimeError: if TensorFlow has used a GPU before.
  """
  if not used:
    tf.config.set_visible_devices([], "GPU")
    return
  for device in tf.config.list_physical_devices("GPU"):
    tf.config.experimental.set_memory_growth(device, True)
  for line in (gpu_faults.unseen(), *gpu_faults.too_new()):
    if line:
      logging.warning("%s", line)
