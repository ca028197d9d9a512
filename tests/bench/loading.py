"""Crops per second that the input pipeline delivers: small and large, stored and online.

python tests/bench/loading.py RECORDS; run by `make bench` on the records of `make records`.
"""

import argparse
import time

from deblock.pipeline import config, dataset
from deblock.records.layout import manifest as manifest_lib

SECONDS = 10.0


def main():
  """Prints a line for each crop size."""
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument("records")
  arguments = parser.parse_args()
  manifest = manifest_lib.load(arguments.records)
  for degradation in ("stored", "online"):
    for crop_size, batch_size, crops_per_tile in ((24, 32, 16), (24, 32, 128), (96, 16, 16)):
      settings = config.InputConfig(
        crop_size=crop_size,
        batch_size=batch_size,
        crops_per_tile=crops_per_tile,
        degradation=degradation,
      )
      batches = iter(dataset.training_dataset(settings, manifest, seed=0))
      next(batches)
      began, cpu, count = time.perf_counter(), time.process_time(), 0
      while time.perf_counter() - began < SECONDS:
        next(batches)
        count += batch_size
      wall, cpu = time.perf_counter() - began, time.process_time() - cpu
      print(
        f"{degradation} JPEGs, crops of {crop_size}, {crops_per_tile:>3} per tile: "
        f"{count / wall:8.0f} per second, {count / cpu:8.0f} per CPU-second"
      )


if __name__ == "__main__":
  main()
