"""A worker process of `beam_steps.local_pipeline`: quiet, and ends with its parent."""

import ctypes
import logging
import os
import pathlib
import signal
import sys

from deblock.records import quiet

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def _die_with_parent():
  """Makes the system end this process with its parent, even if that is killed.

  Beam's worker ends when its connection breaks, but not while it is starting.
  """
  if sys.platform == "linux":
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
  _die_with_parent()
  os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
  os.environ["CUDA_VISIBLE_DEVICES"] = "-1"  # Nothing here needs a GPU, and training may.
  # Beam sets the levels of its loggers later; this applies to all of them.
  logging.disable(logging.WARNING)
  with quiet.standard_error():
    import tensorflow as tf  # noqa: F401

  from apache_beam.runners.worker import sdk_worker_main

  # Beam prints the traceback of a failing step before it reports the failure. If standard error is
  # a file on a full disk, printing fails, the report is never sent, and the job waits for ever.
  sys.stderr = pathlib.Path(os.devnull).open("w")  # noqa: SIM115, open as long as the process
  sdk_worker_main.main(sys.argv)
