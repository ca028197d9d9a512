import contextlib
import itertools
import socket
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


def test_those_that_do_not_answer_are_named_with_their_addresses():
  addresses = _free_addresses(3)
  with socket.socket() as present:
    present.bind(("127.0.0.1", int(addresses[1].rsplit(":", 1)[1])))
    present.listen()
    clock = itertools.count(0.0, 0.5).__next__
    with pytest.raises(ConnectionError) as raised:
      rendezvous.meet(cluster.Cluster(addresses, 0), 2.0, clock)
  message = str(raised.value)
  assert f"worker 0 ({addresses[0]}) waited 2 seconds" in message
  assert f"do not answer, worker 2 ({addresses[2]}): Connection refused." in message
  assert addresses[1] not in message
  assert "--peers_timeout_seconds" in message


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
