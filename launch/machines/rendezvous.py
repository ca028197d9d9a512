"""Waits for the other workers of a run before TensorFlow does, which waits for ever.

Each worker listens at its own address and knocks at the others' until every door has opened once.
The doors are closed before TensorFlow opens its own at the same addresses, so a worker may still
knock while nobody is in: it goes on knocking.
"""

from collections.abc import Callable
import contextlib
import faulthandler
import socket
import time

from absl import logging

from deblock.launch.machines import cluster as cluster_lib

_STANDARD_ERROR = 2  # Its number, which stays what it is whoever replaces sys.stderr.
_PAUSE_SECONDS = 0.1
_KNOCK_SECONDS = 5.0
_PATIENCE_SECONDS = 5.0


def meet(
  cluster: cluster_lib.Cluster,
  timeout_seconds: float,
  clock: Callable[[], float] = time.monotonic,
) -> None:
  """Returns when every other worker has answered.

  Args:
    cluster: the workers.
    timeout_seconds: how long to wait for them.
    clock: seconds, rising.
  Raises:
    ConnectionError: naming those that did not answer in time.
    OSError: if this worker's own port is taken, or not to be had.
  """
  began = clock()
  silent = dict.fromkeys(cluster.peers, "")
  told = False
  with _listening(cluster):
    while silent:
      for index in tuple(silent):
        remaining = timeout_seconds - (clock() - began)
        silent[index] = _knock(cluster.addresses[index], min(max(remaining, 0.1), _KNOCK_SECONDS))
        if not silent[index]:
          del silent[index]
      waited = clock() - began
      if silent and waited >= timeout_seconds:
        raise ConnectionError(
          f"{cluster.name(cluster.index)} waited {timeout_seconds:g} seconds for workers that do "
          f"not answer, {_listed(cluster, silent)}. Start every worker with the same flags but its "
          "--worker_index; --peers_timeout_seconds is how long each waits for the others."
        )
      if silent and waited >= _PATIENCE_SECONDS and not told:
        logging.warning("waiting for %s", _listed(cluster, silent))
        told = True
      if silent:
        time.sleep(_PAUSE_SECONDS)


@contextlib.contextmanager
def ended_after(seconds: float):
  """Returns a context whose body ends the process, with status 1, if it takes too long.

  For calls into TensorFlow that wait for a peer without end and hold Python's lock meanwhile, out
  of reach of its threads, exceptions and signals: a peer that answered and died before it got there
  would leave the others waiting. The system's thread that ends them can say where it was, and no
  more, so that is announced.

  Args:
    seconds: how long the body may take.
  """
  logging.warning("all workers answered; joining them may take %g seconds, then this ends", seconds)
  faulthandler.dump_traceback_later(seconds, exit=True, file=_STANDARD_ERROR)
  try:
    yield
  finally:
    faulthandler.cancel_dump_traceback_later()


@contextlib.contextmanager
def _listening(cluster):
  """Accepts whoever knocks, at this worker's port."""
  own = cluster.addresses[cluster.index]
  door = socket.socket()
  try:
    # A port that was closed a moment ago counts as taken otherwise.
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
      # On every interface, as TensorFlow's server does: the address may be another machine's name
      # for this one.
      door.bind(("", int(own.rsplit(":", 1)[1])))
    except OSError as error:
      raise OSError(
        f"{cluster.name(cluster.index)} cannot listen at its port: {error.strerror}. Does another "
        "worker of this run, or of one before it, still hold it?"
      ) from error
    # The system answers up to this many, and nothing is said to them.
    door.listen(max(16, 2 * len(cluster.addresses)))
    yield
  finally:
    door.close()


def _knock(address, timeout_seconds):
  """Returns an empty string if somebody answers, else why not."""
  host, port = address.rsplit(":", 1)
  try:
    with socket.create_connection((host, int(port)), timeout_seconds) as knocking:
      # On one machine the system may knock from the very port that it knocks at, and TCP connects
      # the two when nobody else is there.
      if knocking.getsockname() == knocking.getpeername():
        return "no answer"
  except OSError as error:
    return error.strerror or "no answer"
  return ""


def _listed(cluster, silent):
  return ", ".join(f"{cluster.name(index)}: {reason}" for index, reason in silent.items())
