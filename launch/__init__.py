"""The programs. Only here are flags, devices, clocks, folders and training loops."""

import os

from deblock.records import quiet

# TensorFlow reads both variables at its first import, so they are set before any module below.
# This one hides notes on missing GPUs and CPU features; errors still show.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# oneDNN makes steps faster (docs/figures.md); TensorFlow itself turns it on for few CPUs. Restoring
# needs constant weights for it (model/restorer.py).
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
with quiet.standard_error():
  import keras  # noqa: F401, which prints notes on the devices that it looks for
