import contextlib
import itertools
import socket
import socketserver
import subprocess
import sys
import threading

import pytest

from deblock.launch.machines import cluster, rendezvous


def _free_addresses(count):
  with contextlib.ExitStack() as stack:
    doors = [stack.enter_context(socket.socket()) for _ in range(count)]
    for door in doors:
      door.bind(("127.0.0.1", 0))
    return tuple(f"127.0.0.1:{door.getsockname()[1]}" for door in doors)


def test_workers_meet_whoever_comes_first_and_leave_their_ports_free():
  addresses = _free_addresses(3)
  errors = []

  def come(index):
    try:
      rendezvous.meet(cluster.Cluster(addresses, index), 20.0)
      # As TensorFlow's server, which the last to come may have to find there.
      servers[index].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
      servers[index].bind(("", int(addresses[index].rsplit(":", 1)[1])))
      servers[index].listen()
    except OSError as error:
      errors.append(error)

  with contextlib.ExitStack() as stack:
    servers = [stack.enter_context(socket.socket()) for _ in addresses]
    threads = [threading.Thread(target=come, args=(index,)) for index in range(3)]
    for thread in threads:
      thread.start()
    for thread in threads:
      thread.join(timeout=30.0)
  assert not errors
  assert not any(thread.is_alive() for thread in threads)


def test_workers_with_different_numbers_of_gpus_are_named_on_all_of_them():
  addresses = _free_addresses(3)
  messages = []

  def come(index):
    with pytest.raises(ValueError, match="equally many GPUs") as raised:
      rendezvous.meet(cluster.Cluster(addresses, index), 20.0, gpus=(2, 2, 0)[index])
    messages.append(str(raised.value))

  threads = [threading.Thread(target=come, args=(index,)) for index in range(3)]
  for thread in threads:
    thread.start()
  for thread in threads:
    thread.join(timeout=30.0)
  assert len(messages) == 3 and len(set(messages)) == 1
  for index, gpus in enumerate((2, 2, 0)):
    assert f"worker {index} ({addresses[index]}) has {gpus}" in messages[0]


def test_those_that_do_not_answer_are_named_with_their_addresses():
  addresses = _free_addresses(3)
  clock = itertools.count(0.0, 0.5).__next__
  here = cluster.Cluster(addresses, 0)
  with (
    _answering(addresses[1], rendezvous.greeting(here, 1)),
    pytest.raises(ConnectionError) as raised,
  ):
    rendezvous.meet(here, 2.0, clock)
  message = str(raised.value)
  assert f"worker 0 ({addresses[0]}) waited 2 seconds" in message
  assert f"do not answer, worker 2 ({addresses[2]}): Connection refused." in message
  assert addresses[1] not in message
  assert "--peers_timeout_seconds" in message


@contextlib.contextmanager
def _answering(address, line):
  """Runs a server that says one line to whoever connects, as long as the body runs."""
  host, port = address.rsplit(":", 1)

  class Handler(socketserver.BaseRequestHandler):
    def handle(self):
      self.request.sendall(line)
      self.request.recv(1000)

  class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True

  with Server((host, int(port)), Handler) as server:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
      yield
    finally:
      server.shutdown()
      thread.join()


def test_other_programs_at_a_workers_address_are_not_taken_for_it():
  addresses = _free_addresses(4)
  here = cluster.Cluster(addresses, 0)
  other_run = cluster.Cluster((*addresses[:3], "elsewhere:1"), 0)
  clock = itertools.count(0.0, 0.5).__next__
  with (
    _answering(addresses[1], b"SSH-2.0-OpenSSH_9.6\r\n"),
    _answering(addresses[2], rendezvous.greeting(other_run, 2)),
    _answering(addresses[3], rendezvous.greeting(here, 1)),
    pytest.raises(ConnectionError) as raised,
  ):
    rendezvous.meet(here, 2.0, clock)
  for index in (1, 2, 3):
    name = f"worker {index} ({addresses[index]})"
    assert f"{name}: what listens there is no worker of this run" in str(raised.value)


def test_strangers_that_connect_are_ignored_and_named_once(monkeypatch):
  warned = []
  monkeypatch.setattr(
    rendezvous.logging, "warning", lambda words, *values: warned.append(words % values)
  )
  addresses = _free_addresses(2)
  port = int(addresses[0].rsplit(":", 1)[1])
  first = threading.Thread(target=rendezvous.meet, args=(cluster.Cluster(addresses, 0), 60.0))
  first.start()
  stop = threading.Event()

  def knock():
    while not stop.is_set():
      for words in (b"GET / HTTP/1.1\r\n\r\n", b"\x1b[2J" + b"x" * 5000 + b"\n", b"\xff\n", b""):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 5) as line:
          line.sendall(words)
          assert line.recv(1) == b""  # No word for strangers.

  stranger = threading.Thread(target=knock)
  stranger.start()
  # A connection that stays and says nothing holds nobody up.
  with contextlib.ExitStack() as silent:
    while True:
      with contextlib.suppress(OSError):
        silent.enter_context(socket.create_connection(("127.0.0.1", port), 5))
        break
    while not any(words.startswith("ignoring") for words in warned):
      assert first.is_alive()
      stop.wait(0.01)
    rendezvous.meet(cluster.Cluster(addresses, 1), 60.0)
    first.join(60.0)
  stop.set()
  stranger.join(60.0)
  assert not first.is_alive()
  (said,) = (words for words in warned if words.startswith("ignoring"))
  assert said.startswith("ignoring 127.0.0.1, which is no worker of this run: it says ")
  assert all(words.isprintable() for words in warned)


def test_a_port_that_is_taken_is_named():
  addresses = _free_addresses(2)
  with socket.socket() as taken:
    taken.bind(("127.0.0.1", int(addresses[0].rsplit(":", 1)[1])))
    taken.listen()
    with pytest.raises(OSError, match=rf"worker 0 \({addresses[0]}\) cannot listen .* in use"):
      rendezvous.meet(cluster.Cluster(addresses, 0), 2.0)


# Holds Python's lock for ever, as TensorFlow does: ctypes.PyDLL does not let go of it.
STUCK = """
import ctypes
from deblock.launch.machines import rendezvous

with rendezvous.ended_after(60.0):
  pass
with rendezvous.ended_after(0.5):
  ctypes.PyDLL(None).sleep(600)
"""


@pytest.mark.slow
def test_a_wait_without_end_ends_the_process_though_python_is_stuck():
  done = subprocess.run(
    [sys.executable, "-c", STUCK], capture_output=True, text=True, timeout=120, check=False
  )
  assert done.returncode == 1
  assert "may take 0.5 seconds" in done.stderr and "Timeout" in done.stderr
