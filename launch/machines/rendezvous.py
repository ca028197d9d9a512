"""Waits for the other workers of a run, with a time limit: TensorFlow itself waits without end.

Each worker listens at its own address and connects to the others' until each has answered once.
It stops listening before TensorFlow listens at the same address. A worker that tries to connect in
between tries again.
"""

from collections.abc import Callable
import contextlib
import faulthandler
import socket
import time

from absl import logging

from deblock.launch.machines import cluster as cluster_lib

_STANDARD_ERROR = 2  # The file descriptor, which stays when sys.stderr is replaced.
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
    ConnectionError: if workers do not answer in time; names them.
    OSError: if this worker cannot listen at its own port.
  """
  began = clock()
  silent = dict.fromkeys(cluster.peers, "")
  warned = False
  with _listening(cluster):
    while silent:
      for index in tuple(silent):
        remaining = timeout_seconds - (clock() - began)
        patience = min(max(remaining, 0.1), _KNOCK_SECONDS)
        silent[index] = _knock(cluster.host_and_port(index), patience)
        if not silent[index]:
          del silent[index]
      waited = clock() - began
      if silent and waited >= timeout_seconds:
        raise ConnectionError(
          f"{cluster.name(cluster.index)} waited {timeout_seconds:g} seconds for workers that do "
          f"not answer, {_listed(cluster, silent)}. Start every worker with the same flags, except "
          "--worker_index; --peers_timeout_seconds is how long each waits for the others."
        )
      if silent and waited >= _PATIENCE_SECONDS and not warned:
        logging.warning("waiting for %s", _listed(cluster, silent))
        warned = True
      if silent:
        time.sleep(_PAUSE_SECONDS)


@contextlib.contextmanager
def ended_after(seconds: float):
  """Returns a context that ends the process, with status 1, if the body takes too long.

  For calls into TensorFlow that wait without end for a peer that has died. They hold Python's lock,
  so that neither threads, exceptions nor signals reach them. faulthandler's thread needs no lock;
  it prints where the process was and nothing else, so a warning announces the limit before.

  Args:
    seconds: how long the body may take.
  """
  logging.warning(
    "all workers answered; joining them may take %g seconds, then this process ends", seconds
  )
  faulthandler.dump_traceback_later(seconds, exit=True, file=_STANDARD_ERROR)
  try:
    yield
  finally:
    faulthandler.cancel_dump_traceback_later()


@contextlib.contextmanager
def _listening(cluster):
  """Returns a context in which this worker's port accepts connections."""
  _, port = cluster.host_and_port(cluster.index)
  door = socket.socket()
  try:
    # Otherwise a port that was closed a moment ago counts as taken.
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
      # On every interface, as TensorFlow's server does: the address may be a name that only other
      # machines have for this one.
      door.bind(("", port))
    except OSError as error:
      raise OSError(
        f"{cluster.name(cluster.index)} cannot listen at its port: {error.strerror}. Does another "
        "worker of this run, or of one before it, still hold it?"
      ) from error
    # The system accepts up to this many connections by itself.
    door.listen(max(16, 2 * len(cluster.addresses)))
    yield
  finally:
    door.close()


def _knock(host_and_port, timeout_seconds):
  """Returns an empty string if something answers, else the reason."""
  try:
    with socket.create_connection(host_and_port, timeout_seconds) as knocking:
      # On one machine the system may choose the target's port as the source, and TCP then connects
      # the port to itself.
      if knocking.getsockname() == knocking.getpeername():
        return "no answer"
  except OSError as error:
    return error.strerror or "no answer"
  return ""


def _listed(cluster, silent):
  return ", ".join(f"{cluster.name(index)}: {reason}" for index, reason in silent.items())
