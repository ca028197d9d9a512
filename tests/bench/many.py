"""Restores 10,000 small photographs, twice: memory and open files must not grow with their number.

make bench PART=many-files COUNT=10000

The network is left out: it takes its time for each file, and frees it. The second time all files
are finished and skipped.
"""

import argparse
import os
import pathlib
import tempfile
import time

import numpy as np
from PIL import Image

from deblock.launch.file_sets import outputs
from deblock.launch.restoring import batch, restore_config
from deblock.model import tiling

SIDE = 48
MARKS = 10  # Lines each time.


class Brighter:
  """Stands in for a network: adds 20 levels."""

  def parts(self, compressed, tables):
    """Yields the whole image, brighter."""
    del tables
    yield tiling.Part(0, 0, compressed / np.float32(255.0) + np.float32(20 / 255))


def write_photographs(folder, count):
  """Writes small JPEGs of all qualities."""
  chance = np.random.default_rng(0)
  for index in range(count):
    coarse = Image.fromarray(chance.integers(0, 256, (4, 4, 3), dtype=np.uint8))
    picture = coarse.resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    picture.save(folder / f"{index:06d}.jpg", quality=10 + index % 80)


def resident_mib():
  """Returns the memory that this process has now."""
  pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
  return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def restore_all(photos, out, count):
  """Restores a folder, and prints CPU-seconds, memory and open files on the way."""
  config = restore_config.RestoreConfig(out=str(out), faithful=False)
  began, done = time.process_time(), 0

  def show(outcome):
    nonlocal done
    done += 1
    if done == 1 or done % max(1, count // MARKS) == 0:
      handles = len(list(pathlib.Path("/proc/self/fd").iterdir()))
      print(
        f"{outcome.status} {done}: {time.process_time() - began:.1f} CPU-s, "
        f"{resident_mib():.0f} MiB, {handles} open files",
        flush=True,
      )

  planned = outputs.plan([str(photos)], config.out, "", ".png")
  batch.run(planned.jobs, Brighter(), config, on_outcome=show)


def main():
  """Prints the figures of both times."""
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument("--count", type=int, default=10_000, help="photographs")
  count = parser.parse_args().count
  with tempfile.TemporaryDirectory() as name:
    photos, out = pathlib.Path(name, "photos"), pathlib.Path(name, "out")
    photos.mkdir()
    out.mkdir()
    write_photographs(photos, count)
    for _ in range(2):
      restore_all(photos, out, count)


if __name__ == "__main__":
  main()
