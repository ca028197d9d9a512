"""Silences the log output of libraries, except errors."""

from collections.abc import Iterator
import contextlib
import logging
import os


@contextlib.contextmanager
def logger(name: str, level: int = logging.ERROR) -> Iterator[None]:
  """Drops log lines below a level, by default below errors, of one logger and its children."""
  held = logging.getLogger(name)
  before = held.level
  held.setLevel(level)
  try:
    yield
  finally:
    held.setLevel(before)


@contextlib.contextmanager
def everything() -> Iterator[None]:
  """Drops log lines below errors of every logger, for imports that log to the root logger."""
  level = logging.root.manager.disable
  logging.disable(logging.WARNING)
  try:
    yield
  finally:
    logging.disable(level)


@contextlib.contextmanager
def standard_error() -> Iterator[None]:
  """Drops everything that is written to file descriptor 2, for imports of compiled libraries.

  Exceptions pass.
  """
  try:
    saved = os.dup(2)
  except OSError:
    saved = None
  if saved is None:
    # There is no standard error, as in programs without a console.
    yield
    return
  nowhere = os.open(os.devnull, os.O_WRONLY)
  os.dup2(nowhere, 2)
  try:
    yield
  finally:
    os.dup2(saved, 2)
    os.close(nowhere)
    os.close(saved)
