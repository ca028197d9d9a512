"""Files that are either whole or not there, on any file system that `tf.io.gfile` knows."""

from collections.abc import Iterator
import contextlib
import fcntl
import os
import uuid

import tensorflow as tf

from deblock.records import paths

TEMPORARY_SUFFIX = ".tmp"


def temporary_name(path: str) -> str:
  """Returns a name beside `path` that no other attempt at the same file uses."""
  return f"{path}.{uuid.uuid4().hex}{TEMPORARY_SUFFIX}"


def write_text(path: str, text: str) -> None:
  """Writes a text file under a temporary name and renames it, so that no half file is seen.

  Raises:
    tf.errors.OpError: if the folder cannot be written.
  """
  temporary = temporary_name(path)
  with tf.io.gfile.GFile(temporary, "w") as file:
    file.write(text)
  tf.io.gfile.rename(temporary, path, overwrite=True)


@contextlib.contextmanager
def removed_on_error(temporary: str) -> Iterator[None]:
  """Removes a file if the body fails: on a full disk half a shard would take what room is left."""
  try:
    yield
  except BaseException:
    # What made the body fail, such as a disk that is gone, may well stand in the way here too.
    with contextlib.suppress(tf.errors.OpError):
      tf.io.gfile.remove(temporary)
    raise


@contextlib.contextmanager
def locked(path: str) -> Iterator[None]:
  """Holds a lock while the body runs; the system gives it back however the process ends.

  Only local files can be locked. On other file systems the body runs without: names of temporary
  files are unique, so two writers there do the same work twice and end with the same bytes.

  Args:
    path: a file that exists for the lock alone; made if missing.
  Raises:
    BlockingIOError: if another process holds the lock.
  """
  if paths.is_remote(path):
    yield
    return
  handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
  try:
    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    yield
  finally:
    os.close(handle)


def read_bytes(path: str) -> bytes:
  """Returns the bytes of a file.

  Raises:
    tf.errors.NotFoundError: if there is none.
  """
  with tf.io.gfile.GFile(path, "rb") as file:
    return file.read()


def read_text(path: str) -> str:
  """Returns the contents of a text file.

  Raises:
    tf.errors.NotFoundError: if there is none.
  """
  with tf.io.gfile.GFile(path, "r") as file:
    return file.read()


def size_bytes(path: str) -> int:
  """Returns the size of a file, or -1 where there is none."""
  return tf.io.gfile.stat(path).length if tf.io.gfile.exists(path) else -1
