"""The servers of tf.data's service: a dispatcher that trainers connect to, and its workers.

They use gRPC without encryption or passwords, and run any client's dataset: use them only in a
network whose machines trust each other. They listen on every interface; with role=local only this
machine reaches them (`loopback`).
"""

from collections.abc import Iterator
import contextlib
import dataclasses
import socket

from absl import logging

from deblock.launch.machines import loopback
from deblock.pipeline import service
from deblock.records import option, paths

ROLES = ("local", "dispatcher", "worker")

# Short enough that workers drop unused datasets soon, long enough to cost nothing.
_HEARTBEAT_MS = 1000
# Workers drop a finished training's data after this. TensorFlow's default is so long that a few
# restarts add up.
_UNUSED_MS = 60_000
_CHECK_UNUSED_MS = 10_000


@dataclasses.dataclass(frozen=True)
class ServiceConfig:
  """Which servers to run on this machine."""

  role: str = option.field(
    "local",
    "dispatcher: one for each service, to which trainers connect; worker: one for each machine "
    "that makes batches; local: a dispatcher and its workers in one process, which only this "
    "machine reaches",
  )
  port: int = option.field(
    0, "port to listen at, of the dispatcher if role=local; 0 for a free one"
  )
  dispatcher: str = option.field("", "role=worker: host:port of its dispatcher")
  workers: int = option.field(1, "role=local: number of workers")
  host: str = option.field(
    "",
    "role=dispatcher or worker: name by which other machines reach this one; if empty, its host "
    "name",
  )
  journal: str = option.field(
    "",
    "role=dispatcher: folder for its state, so that it can be started again on its port; if empty, "
    "the state is lost with the process",
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
      paths.parse_address("dispatcher", self.dispatcher)
    elif self.dispatcher:
      raise ValueError(f"dispatcher goes with role=worker, got {self.role!r}.")
    if self.host and self.role == "local":
      raise ValueError(
        f"host goes with role=dispatcher or worker, got {self.host!r}: role=local serves this "
        "machine only."
      )
    if self.journal and (self.role != "dispatcher" or not self.port):
      raise ValueError(
        f"journal goes with role=dispatcher and a fixed port, got {self.role!r} and {self.port}."
      )


@contextlib.contextmanager
def running(settings: ServiceConfig) -> Iterator[str]:
  """Runs the servers while the body runs.

  Stopping a worker can take a minute: it waits for threads of TensorFlow that tune its jobs.

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
      dispatcher = "{}:{}".format(*paths.parse_address("dispatcher", settings.dispatcher))
      _start_worker(servers, dispatcher, host, settings.port)
      yield f"grpc://{dispatcher}"
      return
    if settings.role == "dispatcher":
      yield f"grpc://{host}:{_start_dispatcher(servers, settings)}"
      return
    with loopback.only() as restricted:
      port = _start_dispatcher(servers, settings)
      for _ in range(settings.workers):
        _start_worker(servers, f"localhost:{port}", host, port=0)
    if len(set(restricted)) < 1 + settings.workers:
      logging.warning(
        "other machines reach this service too: this system cannot restrict TensorFlow's servers "
        "to localhost; close their ports in a firewall"
      )
    yield f"grpc://{host}:{port}"


def _start_dispatcher(servers, settings):
  """Starts a dispatcher and returns its port; `servers` stops it."""
  _check_free(settings.port)
  import tensorflow as tf  # Here, so that settings are checked without it.

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
  """Starts a worker; `servers` stops it."""
  _check_free(port)
  import tensorflow as tf  # As above.

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
  """Raises OSError unless a port is free: the servers would silently share a taken one."""
  with socket.socket() as probe:
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
      probe.bind(("", port))
    except OSError as error:
      raise OSError(f"port {port} cannot be listened at: {error.strerror}.") from error
