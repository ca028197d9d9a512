"""Paths as users type them: of this machine, or of another file system by scheme://."""

import os


def is_remote(path: str) -> bool:
  """Returns whether a path names another file system than this machine's, such as gs://bucket."""
  return "://" in path


def absolute(path: str) -> str:
  """Returns a path that means the same in every working folder and for every user; "" stays "".

  A leading ~ becomes the home folder. Links stay links, and remote paths stay as they are.
  """
  if not path or is_remote(path):
    return path
  return os.path.abspath(os.path.expanduser(path))  # noqa: PTH100, PTH111, pathlib follows links


def shown(path: str) -> str:
  """Returns a path that can be printed: each byte that is not UTF-8 becomes an escape, "\\xe9"."""
  return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
