"""The programs. Only here are flags, devices, clocks, folders and training loops."""

import os

# TensorFlow reads both variables when it is imported, which only a module below does first.
# This one hides notes on missing GPUs and CPU features; errors still show.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# oneDNN makes steps faster (docs/figures.md); TensorFlow itself turns it on for few CPUs. Networks
# in Keras need constant weights for it (model/restorer.py).
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
