"""A file that appears whole: written under a name that nobody can guess, then renamed.

All programs write their files here or by `files`, which also knows remote folders.
"""

from collections.abc import Iterator
import contextlib
import errno
import functools
import os
import re
import stat
import time
from typing import BinaryIO

_TEMPORARY_NAME = ".deblock-{}.tmp"
_TEMPORARY = re.compile(r"\.deblock-[0-9a-f]{16}\.tmp")
_ABANDONED_SECONDS = 24 * 3600.0  # Since the last byte: no program writes that slowly.
_MOST_FOLDERS = 1000
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV)


@contextlib.contextmanager
def writing(
  path: str | os.PathLike,
  folder: str = "",
  *,
  durable: bool = False,
  only_new: bool = False,
  permissions: int = 0o777,
) -> Iterator[BinaryIO]:
  """Gives the body a new local file to write, and renames it to `path` at the end.

  Readers see the old file or the new one, which keeps the old one's permissions. If the body fails,
  the new file is removed: on a full disk half a file would take what room there is. Its temporary
  name is random and must be free, so a link that somebody planted is never written through.
  Temporary files of killed programs are removed a day later, when a program writes beside them.

  Args:
    path: of the file.
    folder: for the temporary file, on the same file system; empty for that of `path`.
    durable: whether the bytes are on the disk before the file has its name, whatever happens to
      the power.
    only_new: whether a file at `path` is an error, even one that is made meanwhile.
    permissions: the most that a file has that replaces no other, such as 0o700 for its owner alone.
  Raises:
    FileExistsError: with `only_new`, if there is a file.
    OSError: if the file cannot be written; it names `path`.
  """
  path = os.fspath(path)
  place = folder or os.path.dirname(path)  # noqa: PTH120, as below: texts, for remote paths
  _remove_abandoned(place)
  temporary = temporary_path(place)
  try:
    stream = open(temporary, "xb", opener=_open_new)  # noqa: SIM115, closed below
  except OSError as error:
    raise OSError(error.errno, error.strerror, path) from error
  try:
    with stream:
      _limit_permissions(stream, path, permissions)
      yield stream
      stream.flush()
      if durable:
        os.fsync(stream.fileno())
      if not os.path.samestat(os.fstat(stream.fileno()), os.lstat(temporary)):
        raise OSError(errno.EBUSY, "was replaced by another program while it was written", path)
    (_link if only_new else os.replace)(temporary, path)
  except BaseException:
    # The cause of the failure, such as a disk that is gone, can prevent this too.
    with contextlib.suppress(OSError):
      os.unlink(temporary)  # noqa: PTH108
    raise


def temporary_path(folder: str) -> str:
  """Returns a random path in a folder: hidden, and short, so that any name can be written."""
  return os.path.join(folder, _TEMPORARY_NAME.format(os.urandom(8).hex()))  # noqa: PTH118


def is_temporary(name: str) -> bool:
  """Returns whether a file name is one that `temporary_path` gives."""
  return _TEMPORARY.fullmatch(name) is not None


def may_write(folder: str) -> bool:
  """Returns whether files may be written into a folder, as far as its permissions tell."""
  # Where it can be asked, of the user that files are opened as, who need not be the one logged in.
  effective = os.access in os.supports_effective_ids
  return os.access(folder, os.W_OK | os.X_OK, effective_ids=effective)


def _open_new(name, flags):
  """Opens a file that must not exist, nor be a link, with the permissions of any new file."""
  return os.open(name, flags | getattr(os, "O_NOFOLLOW", 0), 0o666)


def _limit_permissions(stream, path, permissions):
  """Gives a new file the permissions of the one that it replaces, or takes some away."""
  if not hasattr(os, "fchmod"):
    return
  mine = stat.S_IMODE(os.fstat(stream.fileno()).st_mode)
  try:
    old = os.lstat(path).st_mode
  except OSError:
    old = 0
  wanted = stat.S_IMODE(old) & 0o777 if stat.S_ISREG(old) else mine & permissions
  if wanted != mine:
    os.fchmod(stream.fileno(), wanted)


def _link(temporary, path):
  """Renames a file unless there is one of that name; at once, where the file system has links."""
  try:
    os.link(temporary, path)
  except FileExistsError:
    raise FileExistsError(errno.EEXIST, "exists", path) from None
  except OSError as error:
    if error.errno not in _NO_LINKS:
      raise
    if os.path.lexists(path):
      raise FileExistsError(errno.EEXIST, "exists", path) from None
    os.replace(temporary, path)  # noqa: PTH105
    return
  os.unlink(temporary)  # noqa: PTH108


@functools.lru_cache(maxsize=_MOST_FOLDERS)
def _remove_abandoned(folder):
  """Removes what killed programs left in a folder; looks at each folder once."""
  latest = time.time() - _ABANDONED_SECONDS
  # Who may write here but not look around, or not remove, writes all the same.
  with contextlib.suppress(OSError), os.scandir(folder or ".") as entries:
    for entry in entries:
      ours = is_temporary(entry.name) and entry.is_file(follow_symlinks=False)
      if ours and entry.stat(follow_symlinks=False).st_mtime < latest:
        os.unlink(entry.path)  # noqa: PTH108
