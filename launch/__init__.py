"""The programs, and everything impure: flags, devices, clocks, folders, loops."""

import os

from deblock.records import quiet

# TensorFlow reads this when it is imported, which must be here: any module below may be the first
# to do so. Its notes on absent GPUs and CPU features are for its own developers; errors still show.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
with quiet.standard_error():
  import keras  # noqa: F401, which looks for devices
