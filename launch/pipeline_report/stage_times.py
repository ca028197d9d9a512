"""The cost of each stage of the input pipeline, measured on prefixes of the dataset."""

from collections.abc import Callable, Mapping, Sequence
import gc
import time
from typing import NamedTuple

import tabulate
import tensorflow as tf

_TILES_PER_CALL = 4  # More than one, to keep the return to Python out of the measurement.


class StageTime(NamedTuple):
  """The measurement of the dataset up to a stage.

  Attributes:
    name: of the stage.
    crops: number of crops that were made.
    seconds: wall-clock time.
    cpu_seconds: CPU time of all threads.
  """

  name: str
  crops: int
  seconds: float
  cpu_seconds: float


class Cost(NamedTuple):
  """The cost that one stage adds.

  Attributes:
    name: of the stage.
    microseconds: per crop; 0 if the stages before it hide it.
    cpu_microseconds: per crop, of all threads.
  """

  name: str
  microseconds: float
  cpu_microseconds: float


def limit_threads(dataset: tf.data.Dataset, threads: int) -> tf.data.Dataset:
  """Returns a dataset that computes with a number of threads; 0 for one per core."""
  if not threads:
    return dataset
  options = tf.data.Options()
  options.threading.private_threadpool_size = threads
  options.threading.max_intra_op_parallelism = 1
  options.autotune.cpu_budget = threads
  return dataset.with_options(options)


def measure(
  stages: Mapping[str, tf.data.Dataset],
  crops_per_element: Mapping[str, int],
  seconds: float,
  clock: Callable[[], float] = time.perf_counter,
  cpu_clock: Callable[[], float] = time.process_time,
) -> list[StageTime]:
  """Returns the time that each dataset takes, after a warm-up of the same length.

  Args:
    stages: endless datasets by name.
    crops_per_element: of each dataset.
    seconds: to measure each, and again to warm up.
    clock: wall-clock seconds.
    cpu_clock: CPU-seconds of this process.
  """
  measured = []
  for name, dataset in stages.items():
    crops = crops_per_element[name]
    iterator = iter(dataset)
    pull = _puller()
    for _ in range(2):  # The first round traces, fills buffers, and lets tf.data tune itself.
      began, cpu, taken = clock(), cpu_clock(), 0
      while clock() - began < seconds:
        pull(iterator, tf.constant(_TILES_PER_CALL))
        taken += _TILES_PER_CALL
      spent = StageTime(name, taken * crops, clock() - began, cpu_clock() - cpu)
    measured.append(spent)
    # Its threads would keep filling buffers while the next dataset is measured.
    del iterator, pull
    gc.collect()
  return measured


def costs(measured: Sequence[StageTime]) -> list[Cost]:
  """Returns what each stage adds to those before it; never less than 0."""
  added = []
  wall_before = cpu_before = 0.0
  for stage in measured:
    wall, cpu = 1e6 * stage.seconds / stage.crops, 1e6 * stage.cpu_seconds / stage.crops
    added.append(Cost(stage.name, max(0.0, wall - wall_before), max(0.0, cpu - cpu_before)))
    wall_before, cpu_before = max(wall, wall_before), max(cpu, cpu_before)
  return added


def table(measured: Sequence[StageTime], crop_size: int) -> str:
  """Returns the costs of the stages, the speed of the whole, and the slowest stage.

  The slowest stage adds most to the wall-clock time of a crop. A slow disk counts although it uses
  no CPU time; work that runs on a free core beside other work does not count.
  """
  added = costs(measured)
  all_added = sum(cost.microseconds for cost in added) or 1.0
  rows = [
    (
      cost.name,
      f"{cost.microseconds:.1f}",
      f"{cost.cpu_microseconds:.1f}",
      f"{cost.microseconds / all_added:.0%}",
    )
    for cost in added
  ]
  header = ("stage", "us/crop", "CPU-us/crop", "share of time")
  align = ("left", "right", "right", "right")
  whole = measured[-1]
  rate = whole.crops / whole.seconds
  megabytes = rate * 2 * 3 * crop_size**2 * 4 / 1e6
  slowest = max(added, key=lambda cost: cost.microseconds)
  lines = [
    tabulate.tabulate(rows, header, "plain", colalign=align, disable_numparse=True),
    f"whole: {rate:.0f} crops/s, {megabytes:.0f} MB/s of float pixels, "
    f"{whole.cpu_seconds / whole.seconds:.2f} CPU-seconds per second, "
    f"{1e6 * whole.cpu_seconds / whole.crops:.1f} CPU-us per crop",
    f"limited by: {slowest.name}",
  ]
  return "\n".join(lines)


def _puller():
  """Returns a compiled function that takes elements, as a training loop does; one per dataset."""

  @tf.function
  def pull(iterator, count):
    for _ in tf.range(count):
      next(iterator)

  return pull
