"""A worker process of `local_beam`: Beam's own, with its log lines below errors held back."""

import logging
import os
import sys

from deblock.records import quiet

if __name__ == "__main__":
  os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
  os.environ["CUDA_VISIBLE_DEVICES"] = "-1"  # Nothing here needs a GPU, and training may.
  # Beam sets the levels of its loggers itself; this switch stands above all of them.
  logging.disable(logging.WARNING)
  with quiet.standard_error():
    import tensorflow as tf  # noqa: F401

  from apache_beam.runners.worker import sdk_worker_main

  sdk_worker_main.main(sys.argv)
