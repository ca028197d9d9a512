"""Holds back the chatter of libraries, never their errors."""

from collections.abc import Iterator
import contextlib
import logging
import os


@contextlib.contextmanager
def logger(name: str, level: int = logging.ERROR) -> Iterator[None]:
  """Holds back log lines below a level, errors as a rule, of one logger and those under it."""
  held = logging.getLogger(name)
  before = held.level
  held.setLevel(level)
  try:
    yield
  finally:
    held.setLevel(before)


@contextlib.contextmanager
def everything() -> Iterator[None]:
  """Holds back log lines below errors of every logger: for imports that log to the root."""
  level = logging.root.manager.disable
  logging.disable(logging.WARNING)
  try:
    yield
  finally:
    logging.disable(level)


@contextlib.contextmanager
def standard_error() -> Iterator[None]:
  """Drops what is written to file descriptor 2, which no logger governs.

  For the import of compiled libraries that greet their user. Exceptions pass.
  """
  saved = os.dup(2)
  nowhere = os.open(os.devnull, os.O_WRONLY)
  os.dup2(nowhere, 2)
  try:
    yield
  finally:
    os.dup2(saved, 2)
    os.close(nowhere)
    os.close(saved)
