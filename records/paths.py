"""Paths and addresses as users type them: local paths, remote ones by scheme://, host:port."""

import os
import re

_ADDRESS = re.compile(r"(?P<host>[^\s:/@?#,]+):(?P<port>\d{1,5})")
_MOST_PORTS = 2**16


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


def host_and_port(address: str) -> tuple[str, int] | None:
  """Returns the two parts of host:port, or None if it is not like that."""
  found = _ADDRESS.fullmatch(address)
  if not found or not 0 < int(found["port"]) < _MOST_PORTS:
    return None
  return found["host"], int(found["port"])


def parse_address(name: str, address: str) -> tuple[str, int]:
  """Returns host and port of an address.

  Args:
    name: of the flag that holds it, for the message.
    address: like grpc://host:port; the protocol is optional.
  Raises:
    ValueError: if it is not an address.
  """
  found = host_and_port(address.removeprefix("grpc://"))
  if found is None:
    raise ValueError(f"{name} must be like grpc://host:port, got {address!r}.")
  return found
