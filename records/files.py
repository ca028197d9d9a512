"""Files that are either whole or not there, on any file system that `tf.io.gfile` knows."""

import hashlib
import uuid

import tensorflow as tf

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


def sha256(path: str) -> str:
  """Returns the digest of a file in hexadecimal, read in pieces."""
  digest = hashlib.sha256()
  with tf.io.gfile.GFile(path, "rb") as file:
    while piece := file.read(1 << 20):
      digest.update(piece)
  return digest.hexdigest()
