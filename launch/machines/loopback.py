"""Keeps servers of libraries, which listen on every interface, from being reached from outside.

TensorFlow's servers take a port and no address: they listen at all of a machine's. On Linux a
socket can be bound to an interface later, so the loopback interface is named once they listen.
"""

from collections.abc import Iterator
import contextlib
import os
import pathlib
import socket

_SOCKETS = pathlib.Path("/proc/self/fd")
_INTERFACE = b"lo\0"


@contextlib.contextmanager
def only() -> Iterator[list[int]]:
  """Restricts the servers that the body starts in this process to this machine.

  Until the body has ended they listen on every interface.

  Yields:
    A list, which holds the ports that were restricted when the body has ended. It stays empty where
    the system cannot do that: all but Linux.
  """
  before = {inode for inode, _ in _listening()}
  restricted: list[int] = []
  yield restricted
  for inode, handle in _listening():
    if inode not in before:
      with contextlib.suppress(OSError), socket.socket(fileno=os.dup(handle)) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, _INTERFACE)
        restricted.append(server.getsockname()[1])


def _listening():
  """Returns identity and descriptor of each socket of this process that listens for TCP."""
  found = []
  for path in _SOCKETS.iterdir() if _SOCKETS.is_dir() else ():
    with contextlib.suppress(OSError):
      handle = int(path.name)
      with socket.socket(fileno=os.dup(handle)) as one:
        is_inet = one.family in (socket.AF_INET, socket.AF_INET6)
        if is_inet and one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
          found.append((os.fstat(handle).st_ino, handle))
  return found
