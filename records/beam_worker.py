"""A worker process of `local_beam`: Beam's own, but quiet, and gone when its parent is."""

import ctypes
import logging
import os
import pathlib
import signal
import sys

from deblock.records import quiet

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def _die_with_parent():
  """Has the system end this process with its parent, even where that is killed.

  Beam's worker notices when its connection breaks, but not while it is still starting up.
  """
  if sys.platform == "linux":
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
  _die_with_parent()
  os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
  os.environ["CUDA_VISIBLE_DEVICES"] = "-1"  # Nothing here needs a GPU, and training may.
  # Beam sets the levels of its loggers itself; this switch stands above all of them.
  logging.disable(logging.WARNING)
  with quiet.standard_error():
    import tensorflow as tf  # noqa: F401

  from apache_beam.runners.worker import sdk_worker_main

  # Beam prints a failing step's traceback before it reports the failure. Where standard error is a
  # file on a full disk, printing fails, the report is never sent, and the job would wait for ever.
  sys.stderr = pathlib.Path(os.devnull).open("w")  # noqa: SIM115, open as long as the process
  sdk_worker_main.main(sys.argv)
