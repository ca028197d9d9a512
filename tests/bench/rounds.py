"""Times work of several sides in turn: here, and in an interpreter that has PyTorch."""

from collections.abc import Callable
import json
import pathlib
import subprocess
import time
from typing import NamedTuple

import numpy as np

LAYOUTS = ("plain", "channels_last")


class Taken(NamedTuple):
  """The time of some work in seconds: wall and CPU."""

  wall: float
  cpu: float


class Peer:
  """PyTorch in a process of its own.

  Args:
    python: path of the interpreter.
    threads: number of threads for PyTorch.
  """

  def __init__(self, python: str, threads: int):
    self._threads = threads
    self._process = subprocess.Popen(
      [python, str(pathlib.Path(__file__).with_name("torch_peer.py"))],
      stdin=subprocess.PIPE,
      stdout=subprocess.PIPE,
      text=True,
    )

  def ask(self, **request) -> dict:
    """Returns the peer's answer; the first request of a kind prepares and warms up.

    Raises:
      RuntimeError: if the peer has ended.
    """
    self._process.stdin.write(json.dumps({**request, "threads": self._threads}) + "\n")
    self._process.stdin.flush()
    line = self._process.stdout.readline()
    if not line:
      raise RuntimeError(f"the PyTorch side ended with status {self._process.wait()}.")
    return json.loads(line)

  def side(self, **request) -> Callable[[], Taken]:
    """Returns a function that has the work done once and returns its time."""

    def run():
      answer = self.ask(**request)
      return Taken(answer["wall"], answer["cpu"])

    return run


def here(work: Callable[[], object]) -> Callable[[], Taken]:
  """Returns a function that does the work once in this process and returns its time."""

  def run():
    began, began_cpu = time.perf_counter(), time.process_time()
    work()
    return Taken(time.perf_counter() - began, time.process_time() - began_cpu)

  return run


def medians(sides: dict[str, Callable[[], Taken]], count: int) -> dict[str, Taken]:
  """Returns each side's median time over rounds, in which every side has one turn.

  A first round, in which sides compile, does not count.
  """
  taken = [{name: run() for name, run in sides.items()} for _ in range(count + 1)][1:]
  return {
    name: Taken(
      *(float(np.median(values)) for values in zip(*(a[name] for a in taken), strict=True))
    )
    for name in sides
  }


def best(found: dict[str, Taken], names) -> Taken:
  """Returns the least times of several sides, wall and CPU separately."""
  return Taken(*(min(values) for values in zip(*(found[name] for name in names), strict=True)))


def ratios(name: str, ours: Taken, theirs: Taken) -> str:
  """Returns the lines of our time divided by theirs."""
  return (
    f"ratio_{name}: {ours.wall / theirs.wall:.3f}\nratio_{name}_cpu: {ours.cpu / theirs.cpu:.3f}"
  )
