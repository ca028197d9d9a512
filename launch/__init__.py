"""The programs, and everything impure: flags, devices, clocks, folders, loops."""

import os

from deblock.records import quiet

# TensorFlow reads this when it is imported, which must be here: any module below may be the first
# to do so. Its notes on absent GPUs and CPU features are for its own developers; errors still show.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# So is this, which TensorFlow sets by itself on few CPUs. Training steps take 0.6 to 0.95 of
# their time with it, or 0.9 if XLA compiles them; restoring needs constant weights for it
# (model/restorer.py).
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
with quiet.standard_error():
  import keras  # noqa: F401, which looks for devices
