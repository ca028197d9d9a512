"""The servers of tf.data's service: a dispatcher that trainers talk to, and workers behind it.

They speak gRPC without encryption or passwords, and run what any client asks for: they belong into
a network whose machines trust each other.
"""

from collections.abc import Iterator
import contextlib
import dataclasses
import socket

import tensorflow as tf

from deblock.pipeline import service
from deblock.records import option

ROLES = ("local", "dispatcher", "worker")

# Often enough that workers drop soon what nobody wants any more, and seldom enough to cost nothing.
_HEARTBEAT_MS = 1000
# What workers hold for a training that has ended goes after this; TensorFlow would keep it longer
# than it takes to start anew a few times.
_UNUSED_MS = 60_000
_CHECK_UNUSED_MS = 10_000


@dataclasses.dataclass(frozen=True)
class ServiceConfig:
  """Which servers to run on this machine."""

  role: str = option.field(
    "local",
    "dispatcher: one for each service, which trainers talk to; worker: one for each machine that "
    "makes batches; local: a dispatcher and its workers in one",
  )
  port: int = option.field(0, "where to listen, of role=local the dispatcher; any free one if 0")
  dispatcher: str = option.field("", "role=worker: host:port of its dispatcher")
  workers: int = option.field(1, "role=local: number of workers")
  host: str = option.field(
    "", "name by which other machines reach this one; its host name if empty, localhost if local"
  )
  journal: str = option.field(
    "",
    "role=dispatcher: folder for its state, with which it can be started again on its port; lost "
    "with the process if empty",
  )

  def __post_init__(self):
    """Raises ValueError where a field is out of range."""
    if self.role not in ROLES:
      raise ValueError(f"role must be one of {', '.join(ROLES)}, got {self.role!r}.")
    if not 0 <= self.port < 2**16:
      raise ValueError(f"port must be in [0, 65535], got {self.port}.")
    if self.workers < 1:
      raise ValueError(f"workers must be at least 1, got {self.workers}.")
    if self.role == "worker":
      service.parse_address("dispatcher", self.dispatcher)
    elif self.dispatcher:
      raise ValueError(f"dispatcher goes with role=worker, got {self.role!r}.")
    if self.journal and (self.role != "dispatcher" or not self.port):
      raise ValueError(
        f"journal goes with role=dispatcher and a port to come back to, got {self.role!r} and "
        f"{self.port}."
      )


@contextlib.contextmanager
def running(settings: ServiceConfig) -> Iterator[str]:
  """Runs the servers while the body runs.

  Stopping a worker waits for threads of TensorFlow's that tune its jobs and sleep up to a minute.

  Yields:
    The address of the dispatcher, grpc://host:port, for --data_service.
  Raises:
    ConnectionError: if a worker's dispatcher does not answer.
    OSError: if the port is taken.
  """
  host = settings.host or ("localhost" if settings.role == "local" else socket.gethostname())
  with contextlib.ExitStack() as servers:
    if settings.role == "worker":
      service.check_reachable("dispatcher", settings.dispatcher)
      dispatcher = "{}:{}".format(*service.parse_address("dispatcher", settings.dispatcher))
      _start_worker(servers, dispatcher, host, settings.port)
      yield f"grpc://{dispatcher}"
      return
    port = _start_dispatcher(servers, settings)
    for _ in range(settings.workers if settings.role == "local" else 0):
      _start_worker(servers, f"localhost:{port}", host, port=0)
    yield f"grpc://{host}:{port}"


def _start_dispatcher(servers, settings):
  """Starts a dispatcher, which `servers` stops, and returns its port."""
  _check_free(settings.port)
  server = tf.data.experimental.service.DispatchServer(
    tf.data.experimental.service.DispatcherConfig(
      port=settings.port,
      work_dir=settings.journal or None,
      fault_tolerant_mode=bool(settings.journal),
      job_gc_check_interval_ms=_CHECK_UNUSED_MS,
      job_gc_timeout_ms=_UNUSED_MS,
    )
  )
  servers.callback(server.stop)
  return int(server.target.rpartition(":")[2])


def _start_worker(servers, dispatcher, host, port):
  """Starts a worker, which `servers` stops."""
  _check_free(port)
  server = tf.data.experimental.service.WorkerServer(
    tf.data.experimental.service.WorkerConfig(
      dispatcher_address=dispatcher,
      worker_address=f"{host}:%port%",
      port=port,
      heartbeat_interval_ms=_HEARTBEAT_MS,
    )
  )
  servers.callback(server.stop)


def _check_free(port):
  """Raises unless a port can be listened at: the servers share a taken one without a word."""
  with socket.socket() as probe:
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
      probe.bind(("", port))
    except OSError as error:
      raise OSError(f"port {port} cannot be listened at: {error.strerror}.") from error
