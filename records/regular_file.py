"""Opens files that others chose without waiting for them: pipes, devices and sockets are refused.

Opening a pipe waits for whoever writes into it, perhaps for ever, and opening a device can do
anything.
"""

import errno
import os
import stat
from typing import BinaryIO

# Where the system has them: not to wait, and not to take a terminal for the process's own.
_FLAGS = ("O_BINARY", "O_CLOEXEC", "O_NONBLOCK", "O_NOCTTY")
_PIECE_BYTES = 2**24


class TooLargeError(OSError):
  """A file is larger than what may be read of it.

  Attributes:
    size_bytes: of the file, as far as it is known.
    most_bytes: that may be read.
  """

  def __init__(self, path: str, size_bytes: int, most_bytes: int):
    """Takes the path and the attributes."""
    reason = f"it has {size_bytes} bytes, more than {most_bytes}"
    super().__init__(errno.EFBIG, reason, path)
    self.size_bytes = size_bytes
    self.most_bytes = most_bytes


def open_to_read(path: str | os.PathLike) -> BinaryIO:
  """Returns a regular file, or what a link to one leads to, open for reading.

  Raises:
    OSError: if it is missing, is of another kind, or cannot be opened.
  """
  # First without opening, which has effects of its own on some devices.
  _check(path, os.stat(path))  # noqa: PTH116, paths stay texts here
  handle = os.open(path, os.O_RDONLY | sum(getattr(os, name, 0) for name in _FLAGS))
  try:
    # It can have been replaced in between.
    _check(path, os.fstat(handle))
    return os.fdopen(handle, "rb")
  except BaseException:
    os.close(handle)
    raise


def read(path: str | os.PathLike, most_bytes: int) -> bytes:
  """Returns the bytes of a regular file.

  Args:
    path: local.
    most_bytes: larger files are refused before they are read.
  Raises:
    TooLargeError: if the file is larger.
    OSError: as `open_to_read`, or if it cannot be read.
  """
  with open_to_read(path) as file:
    size_bytes = os.fstat(file.fileno()).st_size
    if size_bytes > most_bytes:
      raise TooLargeError(os.fspath(path), size_bytes, most_bytes)
    # In one piece, unless it grows meanwhile or, as in /proc, states no size.
    data = file.read(size_bytes)
    if more := file.read(1):
      pieces = [data, more]
      while more and sum(map(len, pieces)) <= most_bytes:
        pieces.append(more := file.read(_PIECE_BYTES))
      data = b"".join(pieces)
    if len(data) > most_bytes:
      raise TooLargeError(os.fspath(path), len(data), most_bytes)
    return data


def kind(mode: int) -> str:
  """Returns what a file of this mode is if it is not a regular one, in words; "" if it is."""
  if stat.S_ISREG(mode):
    return ""
  if stat.S_ISDIR(mode):
    return "a folder"
  if stat.S_ISFIFO(mode):
    return "a pipe"
  if stat.S_ISSOCK(mode):
    return "a socket"
  return "a device"


def _check(path, status):
  if stat.S_ISDIR(status.st_mode):
    raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
  if found := kind(status.st_mode):
    raise OSError(errno.EINVAL, f"it is {found}, not a regular file", os.fspath(path))
