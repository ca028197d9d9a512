"""Why the GPUs of a machine do not work with the TensorFlow that is installed, in words."""

from collections.abc import Mapping
import os
import pathlib
import re
import subprocess
import sys

import tensorflow as tf

# Of NVIDIA's driver, and of its counterpart in Windows' Linux.
_SIGNS = ("dev/nvidia[0-9]*", "dev/dxg", "proc/driver/nvidia/version")
_LOOK = "import tensorflow as tf; tf.config.list_physical_devices('GPU')"
_LOOK_SECONDS = 60.0
# A line of TensorFlow's log, "2026-02-24 16:46:52.06: W file.cc:31] text" or "W0000 ...".
_LOG_LINE = re.compile(r"(?:: |^)([IWEF])(?:\d{4} [\d.:]+ +\d+)? \S+:\d+\] (.*)$")
_CAPABILITY = re.compile(r"(?:sm|compute)_(\d+)(\d)[a-z]?")


def unseen(
  environment: Mapping[str, str] = os.environ, root: pathlib.Path = pathlib.Path("/")
) -> str | None:
  """Returns a warning if the machine has a GPU, or a driver for one, and TensorFlow sees none.

  It starts a process, for TensorFlow tells the reason once, when it is imported, and is not heard
  then. This takes some seconds, but only where there is something to mend.

  Args:
    environment: variables of this process. A user who hides all GPUs by them is not warned.
    root: of the file system.
  """
  if environment.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
    return None
  found = [f"/{path.relative_to(root)}" for sign in _SIGNS for path in sorted(root.glob(sign))]
  if not found or tf.config.list_physical_devices("GPU"):
    return None
  reason = "it is built without CUDA"
  if tf.sysconfig.get_build_info().get("is_cuda_build"):
    reason = _tensorflows_reason(environment)
  return (
    f"computing on the CPU: TensorFlow sees no GPU, although there is {', '.join(found)}. Its "
    f"reason: {reason.rstrip('.')}. pip install 'deblock[cuda]' brings the CUDA libraries; if they "
    "are installed, nvidia-smi shows whether the driver works."
  )


def _tensorflows_reason(environment):
  try:
    done = subprocess.run(
      [sys.executable, "-c", _LOOK],
      env={**environment, "TF_CPP_MIN_LOG_LEVEL": "0"},
      stderr=subprocess.PIPE,
      stdout=subprocess.DEVNULL,
      text=True,
      errors="replace",
      timeout=_LOOK_SECONDS,
    )
  except subprocess.TimeoutExpired:
    return f"none within {_LOOK_SECONDS:g} seconds"
  return reason_in(done.stderr) or "it gives none"


def reason_in(log: str) -> str:
  """Returns what TensorFlow's log says about GPUs that it cannot use, each sentence once.

  Args:
    log: what TensorFlow wrote to standard error when it was imported and asked for its devices.
  """
  said: dict[str, None] = {}
  for line in log.splitlines():
    match = _LOG_LINE.search(line)
    # That a factory is registered twice is an error in words only: TensorFlow imports it twice.
    if match is None or "already" in match[2] or "oneDNN" in match[2]:
      continue
    if match[1] != "I" or re.search("cuda|gpu", match[2], re.IGNORECASE):
      said[match[2].strip().rstrip(".")] = None
  return "; ".join(said)


def too_new() -> list[str]:
  """Returns a warning for each GPU whose compute capability is above those of TensorFlow's build.

  TensorFlow lists such a GPU, and its first operation fails with CUDA_ERROR_INVALID_PTX.
  """
  build = tf.sysconfig.get_build_info()
  known = [
    (int(match[1]), int(match[2]))
    for name in build.get("cuda_compute_capabilities", ())
    if (match := _CAPABILITY.fullmatch(name))
  ]
  warnings = []
  for device in tf.config.list_physical_devices("GPU"):
    details = tf.config.experimental.get_device_details(device)
    capability = details.get("compute_capability")
    if not known or capability is None or tuple(capability) <= max(known):
      continue
    major, minor = capability
    warnings.append(
      f"{details.get('device_name', device.name)} has compute capability {major}.{minor}, and "
      f"TensorFlow {tf.__version__} is built for {'.'.join(map(str, max(known)))} at most: its "
      "operations may fail with CUDA_ERROR_INVALID_PTX. Install a TensorFlow that is built from "
      f"its sources with HERMETIC_CUDA_COMPUTE_CAPABILITIES=compute_{major}{minor}, or train with "
      "JAX (deblock-export-step). CUDA_VISIBLE_DEVICES=-1 computes on the CPU."
    )
  return warnings
