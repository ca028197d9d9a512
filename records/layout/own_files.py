"""Files that belong to the programs: written by one, on its folder's list, and free to be replaced.

A file that no program of deblock wrote is never replaced, whatever its name: it is refused.
Remote folders have no lists, and files there are replaced.
"""

from collections.abc import Iterator
import contextlib
import os
import pathlib
from typing import BinaryIO

from deblock.records import paths
from deblock.records.layout import files, new_file
from deblock.records.photos import results


def check(*checked: str | os.PathLike) -> None:
  """Checks, before any work, that files may be written.

  Raises:
    FileExistsError: if one is there that no program of deblock wrote.
    PermissionError: if their folder is there and nothing may be written into it.
  """
  for item in checked:
    path = os.fspath(item)
    if paths.is_remote(path):
      continue
    folder, name = os.path.split(path)
    if os.path.isdir(folder or ".") and not new_file.may_write(folder or "."):  # noqa: PTH112
      raise PermissionError(f"{path} cannot be written: nothing may be written into its folder.")
    if os.path.lexists(path) and name not in results.load(folder):
      raise FileExistsError(
        f"{path} is there and was not written by deblock: move it away, or choose another name."
      )


@contextlib.contextmanager
def writing(path: str | os.PathLike) -> Iterator[BinaryIO]:
  """Gives the body a file to write as `new_file.writing`, which becomes the programs' own.

  Raises:
    FileExistsError: as `check`; also for a file that is made meanwhile.
    OSError: if it cannot be written.
  """
  path = pathlib.Path(path)
  only_new = not os.path.lexists(path)
  check(path)
  with new_file.writing(path, only_new=only_new) as stream:
    yield stream
    stream.flush()
    # Before the file has its name: a process that is killed here must not disown its file.
    results.mark(path)


def write_text(path: str | os.PathLike, text: str) -> None:
  """Writes a text file in UTF-8 by `writing`, also to remote paths.

  What UTF-8 cannot hold, the bytes of a file name, becomes an escape.

  Raises:
    FileExistsError, OSError: as `writing`.
  """
  write_bytes(path, text.encode("utf-8", "backslashreplace"))


def write_bytes(path: str | os.PathLike, data: bytes) -> None:
  """Writes a file by `writing`, also to remote paths.

  Raises:
    FileExistsError, OSError: as `writing`.
  """
  if paths.is_remote(os.fspath(path)):
    files.write_bytes(path, data)
    return
  with writing(path) as stream:
    stream.write(data)
