"""Files that are whole or absent, and locks; here or on any file system of `tf.io.gfile`.

Local files need the standard library only: TensorFlow is imported for remote paths. Errors of both
are OSErrors.
"""

from collections.abc import Iterator
import contextlib
import errno
import os
import pathlib
from typing import Any, TypeVar

from deblock.records import json_text, paths, regular_file, typed_values
from deblock.records.layout import new_file

T = TypeVar("T")

_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP)


@contextlib.contextmanager
def replacing(path: str | os.PathLike, folder: str = "") -> Iterator[str]:
  """Gives the body a temporary name to write, and renames that file to `path` at the end.

  For writers that take a name and no file, and for remote paths; else as `new_file.writing`.

  Args:
    path: of the file.
    folder: for the temporary file, on the same file system; empty for that of `path`.

  Raises:
    OSError: if the file cannot be written or renamed.
  """
  path = os.fspath(path)
  if not paths.is_remote(path):
    with new_file.writing(path, folder) as stream:
      yield stream.name
    return
  temporary = new_file.temporary_path(folder or os.path.dirname(path))  # noqa: PTH120
  try:
    yield temporary
    with _gfile() as gfile:
      gfile.rename(temporary, path, overwrite=True)
  except BaseException:
    with contextlib.suppress(OSError):
      remove(temporary)
    raise


def write_text(path: str | os.PathLike, text: str, durable: bool = False) -> None:
  """Writes a text file in UTF-8 by `new_file.writing`; remote ones by `replacing`.

  What UTF-8 cannot hold, the bytes of a file name, becomes an escape.

  Raises:
    OSError: if the folder cannot be written.
  """
  write_bytes(path, text.encode("utf-8", "backslashreplace"), durable)


def write_bytes(path: str | os.PathLike, data: bytes, durable: bool = False) -> None:
  """Writes a file by `new_file.writing`; remote ones by `replacing`.

  Raises:
    OSError: if the folder cannot be written.
  """
  if paths.is_remote(os.fspath(path)):
    with replacing(path) as temporary, _gfile() as gfile, gfile.GFile(temporary, "wb") as file:
      file.write(data)
    return
  with new_file.writing(path, durable=durable) as stream:
    stream.write(data)


def read_text(path: str) -> str:
  """Returns the content of a text file in UTF-8.

  Raises:
    OSError: if the file is missing (FileNotFoundError) or cannot be read.
    UnicodeDecodeError: if it is not UTF-8.
  """
  return read_bytes(path).decode("utf-8")


def read_json(kind: type[T], path: str | os.PathLike, most_bytes: int = json_text.MOST_BYTES) -> T:
  """Returns an object with the values of a JSON file.

  Args:
    kind: a dataclass, or another annotation that `typed_values.build` takes.
    path: of the file.
    most_bytes: a larger file is refused unread.
  Raises:
    OSError: if the file is missing (FileNotFoundError) or cannot be read.
    ValueError: if it is too large, no JSON, or holds other values than `kind` says; names file,
      key, value, and what was expected.
  """
  path = os.fspath(path)
  try:
    content = read_bytes(path, most_bytes)
  except regular_file.TooLargeError as error:
    raise ValueError(f"{path} is too large: {error.strerror}.") from error
  return typed_values.parse(kind, content, path, most_bytes)


def read_bytes(path: str | os.PathLike, most_bytes: int | None = None) -> bytes:
  """Returns the bytes of a file.

  Args:
    path: of the file.
    most_bytes: a larger file is refused unread; None reads any.
  Raises:
    OSError: if the file is missing (FileNotFoundError), is no regular file, is too large
      (`regular_file.TooLargeError`) or cannot be read.
  """
  path = os.fspath(path)
  if not paths.is_remote(path):
    if most_bytes is not None:
      return regular_file.read(path, most_bytes)
    with regular_file.open_to_read(path) as local:
      return local.read()
  if most_bytes is not None and (size := size_bytes(path)) > most_bytes:
    raise regular_file.TooLargeError(path, size, most_bytes)
  with _gfile() as gfile, gfile.GFile(path, "rb") as file:
    return file.read()


def size_bytes(path: str) -> int:
  """Returns the size of a file, or -1 if it does not exist."""
  try:
    if not paths.is_remote(path):
      return pathlib.Path(path).stat().st_size
    with _gfile() as gfile:
      return gfile.stat(path).length
  except (FileNotFoundError, NotADirectoryError):
    return -1


def names(folder: str) -> list[str]:
  """Returns the sorted names in a folder; none if it does not exist.

  Raises:
    OSError: if it cannot be listed.
  """
  try:
    if not paths.is_remote(folder):
      return sorted(os.listdir(folder))  # noqa: PTH208, as names
    with _gfile() as gfile:
      # Some file systems end the names of folders with a slash.
      return sorted(name.rstrip("/") for name in gfile.listdir(folder))
  except FileNotFoundError:
    return []


def make_folder(path: str) -> None:
  """Makes a folder and those above it, where they do not exist.

  Raises:
    OSError: if it cannot be made.
  """
  if not paths.is_remote(path):
    pathlib.Path(path).mkdir(parents=True, exist_ok=True)
    return
  with _gfile() as gfile:
    gfile.makedirs(path)


def remove(path: str) -> None:
  """Removes a file.

  Raises:
    OSError: if it does not exist (FileNotFoundError) or cannot be removed.
  """
  if not paths.is_remote(path):
    pathlib.Path(path).unlink()
    return
  with _gfile() as gfile:
    gfile.remove(path)


@contextlib.contextmanager
def locked(path: str) -> Iterator[None]:
  """Holds a lock while the body runs. The system releases it however the process ends.

  Remote files, and those on file systems without locks, are not locked. Temporary files have
  unique names, so two writers of records there write the same bytes twice.

  Args:
    path: of a file for the lock, which keeps its content; made if missing.
  Raises:
    BlockingIOError: if another process, or this one, holds the lock.
    OSError: if the file cannot be made.
  """
  if paths.is_remote(path):
    yield
    return
  import filelock  # Here: most programs lock nothing, and it takes as long as their --help.

  lock = filelock.FileLock(path, timeout=0)
  try:
    lock.acquire()
  except filelock.Timeout:
    raise BlockingIOError(errno.EWOULDBLOCK, "is locked by another process", path) from None
  except OSError as error:
    if error.errno not in _NO_LOCKS:
      raise
  try:
    yield
  finally:
    lock.release()


@contextlib.contextmanager
def _gfile() -> Iterator[Any]:
  """Gives `tf.io.gfile`, and turns its errors into OSErrors."""
  import tensorflow as tf

  try:
    yield tf.io.gfile
  except tf.errors.NotFoundError as error:
    raise FileNotFoundError(error.message) from error
  except (tf.errors.PermissionDeniedError, tf.errors.UnauthenticatedError) as error:
    raise PermissionError(error.message) from error
  except tf.errors.OpError as error:
    raise OSError(error.message) from error
