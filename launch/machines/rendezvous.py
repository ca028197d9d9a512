"""Waits for the other workers of a run, with a time limit: TensorFlow itself waits without end.

Each worker listens at its own address and calls the others until each has been met once. Both sides
say who they are: a worker's number, and a token that follows from the run's list of workers. So
another program at a worker's address, or one that connects to it, is not taken for a worker. The
token is no secret: it tells strangers from workers, not enemies.

They also say how many GPUs they have. TensorFlow takes it that all have equally many, and waits
without end for those that are not there.

A worker stops listening before TensorFlow listens at the same address. By then all others have met
it, because meeting counts for both sides.
"""

import asyncio
from collections.abc import Callable
import contextlib
import faulthandler
import hashlib
import os
import re
import socket
import time

from absl import logging

from deblock.launch.machines import cluster as cluster_lib
from deblock.records import json_text

_STANDARD_ERROR = 2  # The file descriptor, which stays when sys.stderr is replaced.
_PAUSE_SECONDS = 0.1
_CALL_SECONDS = 5.0
_PATIENCE_SECONDS = 5.0
_MOST_BYTES = 100  # Of what a worker says.
_MOST_STRANGERS = 8  # That are named.
_ACCEPTED = b"met\n"
_GREETING = re.compile(rb"deblock-worker (\d+) ([0-9a-f]{32}) (\d+)\n")
_NOTHING, _STRANGER = "no answer", "what listens there is no worker of this run"


def meet(
  cluster: cluster_lib.Cluster,
  timeout_seconds: float,
  clock: Callable[[], float] = time.monotonic,
  gpus: int = 0,
) -> None:
  """Returns when every other worker has been met and has as many GPUs as this one.

  Args:
    cluster: the workers.
    timeout_seconds: how long to wait for them.
    clock: seconds, rising.
    gpus: number of this worker's GPUs.
  Raises:
    ConnectionError: if workers do not answer in time, or something else does; names them.
    ValueError: on every worker, if one has another number of GPUs; names all numbers.
    OSError: if this worker cannot listen at its own port.
  """
  with _listening(cluster) as door:
    meeting = _Meeting(cluster, gpus)
    asyncio.run(_meet(meeting, door, timeout_seconds, clock))
  if len(set(meeting.gpus.values())) > 1:
    numbers = ", ".join(
      f"{cluster.name(index)} has {count}" for index, count in sorted(meeting.gpus.items())
    )
    raise ValueError(
      f"the workers must have equally many GPUs that TensorFlow sees: {numbers}. "
      "CUDA_VISIBLE_DEVICES=-1 hides those of a worker, CUDA_VISIBLE_DEVICES=0 all but the first."
    )


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


def greeting(cluster: cluster_lib.Cluster, index: int, gpus: int = 0) -> bytes:
  """Returns the line that a worker of a run says, in both directions."""
  return b"deblock-worker %d %s %d\n" % (index, _token(cluster), gpus)


def _token(cluster):
  return hashlib.sha256("\n".join(cluster.addresses).encode()).hexdigest()[:32].encode()


class _Meeting:
  """Which workers have been met, how many GPUs they have, and what strangers there were."""

  def __init__(self, cluster, gpus):
    self.cluster = cluster
    self.gpus = {cluster.index: gpus}
    self.missing = dict.fromkeys(cluster.peers, _NOTHING)
    self._strangers = set()

  async def answer(self, reader, writer):
    """Serves one connection: a worker's, or a stranger's, which gets no answer."""
    try:
      line = await asyncio.wait_for(_line(reader), _CALL_SECONDS)
      index = self._greeted_by(line)
      if index is None:
        self._name_stranger(writer, line)
        return
      writer.write(self._own_greeting())
      # Only then does the worker know: it calls again if the answer was lost.
      if await asyncio.wait_for(_line(reader), _CALL_SECONDS) == _ACCEPTED:
        self.missing.pop(index, None)
    except (OSError, TimeoutError, asyncio.TimeoutError):
      pass
    finally:
      writer.close()

  async def call(self, index, seconds):
    """Calls a worker; it is met if it answers as one of this run."""
    reason = await self._refusal(index, seconds)
    if not reason:
      self.missing.pop(index, None)
    elif index in self.missing:
      self.missing[index] = reason

  async def _refusal(self, index, seconds):
    """Returns an empty string if a worker of this run answers, else the reason."""
    writer = None
    try:
      host, port = self.cluster.host_and_port(index)
      reader, writer = await asyncio.wait_for(asyncio.open_connection(host, port), seconds)
      writer.write(self._own_greeting())
      line = await asyncio.wait_for(_line(reader), seconds)
      if self._greeted_by(line) == index:
        writer.write(_ACCEPTED)
        await writer.drain()
        return ""
      # A worker that leaves its port hangs up without a word. And on one machine the system may
      # choose the target's port as the source: TCP then connects the port to itself.
      return _STRANGER if line not in (b"", self._own_greeting()) else _NOTHING
    except (TimeoutError, asyncio.TimeoutError):
      return _STRANGER if writer is not None else _NOTHING
    except OSError as error:
      # asyncio's own texts repeat the address.
      plain = isinstance(error, ConnectionError) and error.errno
      return (os.strerror(plain) if plain else error.strerror) or _NOTHING
    finally:
      if writer is not None:
        writer.close()

  def _own_greeting(self):
    return greeting(self.cluster, self.cluster.index, self.gpus[self.cluster.index])

  def _greeted_by(self, line):
    """Returns which other worker of this run says a line, and notes its GPUs; None if none does."""
    match = _GREETING.fullmatch(line)
    if match is None or match[2] != _token(self.cluster):
      return None
    index = int(match[1])
    if index not in self.cluster.peers:
      return None
    self.gpus[index] = int(match[3])
    return index

  def _name_stranger(self, writer, line):
    host = (writer.get_extra_info("peername") or ("?",))[0]
    # A connection without a word is a look whether the port is open, or a worker that gave up.
    if line and host not in self._strangers and len(self._strangers) < _MOST_STRANGERS:
      self._strangers.add(host)
      logging.warning(
        "ignoring %s, which is no worker of this run: it says %s",
        host,
        json_text.quoted(line.decode("ascii", "replace")),
      )


async def _meet(meeting, door, timeout_seconds, clock):
  began = clock()
  warned = False
  cluster, missing = meeting.cluster, meeting.missing
  server = await asyncio.start_server(meeting.answer, sock=door, limit=_MOST_BYTES)
  try:
    while missing:
      remaining = timeout_seconds - (clock() - began)
      patience = min(max(remaining, 0.1), _CALL_SECONDS)
      await asyncio.gather(*(meeting.call(index, patience) for index in tuple(missing)))
      waited = clock() - began
      if missing and waited >= timeout_seconds:
        raise ConnectionError(
          f"{cluster.name(cluster.index)} waited {timeout_seconds:g} seconds for workers that do "
          f"not answer, {_listed(cluster, missing)}. Start every worker with the same flags, "
          "except --worker_index; --peers_timeout_seconds is how long each waits for the others."
        )
      if missing and waited >= _PATIENCE_SECONDS and not warned:
        logging.warning("waiting for %s", _listed(cluster, missing))
        warned = True
      if missing:
        await asyncio.sleep(_PAUSE_SECONDS)
  finally:
    # Not waiting for connections, which a stranger may keep open.
    server.close()


async def _line(reader):
  """Returns a line as a worker says it; another one up to its first bytes, "" if there is none."""
  try:
    return await reader.readuntil(b"\n")
  except asyncio.IncompleteReadError as error:
    return error.partial
  except asyncio.LimitOverrunError:
    return await reader.read(_MOST_BYTES)


@contextlib.contextmanager
def _listening(cluster):
  """Returns a context with a socket that listens at this worker's port."""
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
    yield door
  finally:
    door.close()


def _listed(cluster, missing):
  return ", ".join(f"{cluster.name(index)}: {reason}" for index, reason in missing.items())
