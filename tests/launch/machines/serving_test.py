import contextlib
import os
import pathlib
import socket
import sys

import pytest
import tensorflow as tf

from deblock.launch.machines import loopback, serving


def _served(address, count):
  """Returns the dataset of the first `count` numbers, made by a service, one split each."""
  return tf.data.Dataset.range(count).apply(
    tf.data.experimental.service.distribute(
      tf.data.experimental.service.ShardingPolicy.DYNAMIC, address, compression=None
    )
  )


@contextlib.contextmanager
def _taken_port():
  with socket.socket() as listening:
    listening.bind(("", 0))
    listening.listen()
    yield listening.getsockname()[1]


def _free_port():
  with _taken_port() as port:
    return port


def test_a_local_service_is_all_in_one():
  with serving.running(serving.ServiceConfig(workers=2)) as address:
    assert address.startswith("grpc://localhost:")
    assert sorted(_served(address, 20).as_numpy_iterator()) == list(range(20))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux restricts sockets that listen")
def test_only_this_machine_reaches_a_local_service(monkeypatch):
  restricted = []
  only = loopback.only

  @contextlib.contextmanager
  def watched():
    with only() as ports:
      yield ports
    restricted.extend(ports)

  monkeypatch.setattr(serving.loopback, "only", watched)
  with (
    _taken_port() as other,
    serving.running(serving.ServiceConfig(workers=2)) as address,
  ):
    assert len(set(restricted)) == 3 and int(address.rpartition(":")[2]) in restricted
    assert other not in restricted
    assert _interfaces(restricted) == {b"lo"} and _interfaces([other]) == {b""}
    assert sorted(_served(address, 20).as_numpy_iterator()) == list(range(20))


def _interfaces(ports):
  """Returns to which interfaces this process's sockets that listen at ports are bound."""
  found = set()
  for path in pathlib.Path("/proc/self/fd").iterdir():
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(int(path.name))) as one:
      listens = one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
      if listens and one.getsockname()[1] in ports:
        name = one.getsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, 16)
        found.add(name.rstrip(b"\0"))
  return found


def test_workers_join_a_dispatcher():
  with serving.running(serving.ServiceConfig(role="dispatcher", host="localhost")) as address:
    worker = serving.ServiceConfig(
      role="worker", dispatcher=address.removeprefix("grpc://"), host="localhost"
    )
    with serving.running(worker) as served:
      assert served == address
      assert sorted(_served(address, 20).as_numpy_iterator()) == list(range(20))


def test_a_dispatcher_with_a_journal_can_be_started_again(tmp_path):
  settings = serving.ServiceConfig(
    role="dispatcher", port=_free_port(), host="localhost", journal=str(tmp_path)
  )
  with contextlib.ExitStack() as servers:
    first = servers.enter_context(contextlib.ExitStack())
    address = first.enter_context(serving.running(settings))
    servers.enter_context(
      serving.running(serving.ServiceConfig(role="worker", dispatcher=address, host="localhost"))
    )
    numbers = _served(address, 200).as_numpy_iterator()
    seen = [next(numbers) for _ in range(20)]
    first.close()
    servers.enter_context(serving.running(settings))
    assert sorted([*seen, *numbers]) == list(range(200))


@pytest.mark.parametrize("role", ["local", "dispatcher"])
def test_a_port_that_is_taken_is_named(role):
  with (
    _taken_port() as port,
    pytest.raises(OSError, match=f"port {port} cannot be listened at: .*in use"),
    serving.running(serving.ServiceConfig(role=role, port=port)),
  ):
    pass


def test_a_worker_without_its_dispatcher_names_it():
  settings = serving.ServiceConfig(role="worker", dispatcher=f"localhost:{_free_port()}")
  message = f"dispatcher {settings.dispatcher} cannot be reached"
  with pytest.raises(ConnectionError, match=message), serving.running(settings):
    pass


@pytest.mark.parametrize(
  ("change", "message"),
  [
    ({"role": "boss"}, "role must be one of local, dispatcher, worker, got 'boss'"),
    ({"port": -1}, r"port must be in \[0, 65535\], got -1"),
    ({"port": 65536}, r"port must be in \[0, 65535\], got 65536"),
    ({"host": "here"}, "host goes with role=dispatcher or worker, got 'here'"),
    ({"workers": 0}, "workers must be at least 1, got 0"),
    ({"role": "worker"}, "dispatcher must be like grpc://host:port, got ''"),
    ({"dispatcher": "a:1"}, "dispatcher goes with role=worker, got 'local'"),
    ({"journal": "j", "port": 5}, "journal goes with role=dispatcher .*, got 'local' and 5"),
    ({"journal": "j", "role": "dispatcher"}, "journal .*, got 'dispatcher' and 0"),
  ],
)
def test_a_broken_rule_is_named(change, message):
  with pytest.raises(ValueError, match=message):
    serving.ServiceConfig(**change)
