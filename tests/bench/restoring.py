"""Seconds to restore one 768x512 image block by block and in tiles of several sizes.

The network has random weights; what is compared is time. Run by `make bench`.
"""

import argparse
import time

import numpy as np

from deblock.model import config, registry, restorer


def seconds(restore, image):
  """Returns the time of one restoration after one that compiles, in seconds."""
  restore(image[:64, :64])
  began = time.perf_counter()
  restore(image)
  return time.perf_counter() - began


def main():
  """Prints a line for each way of running each network."""
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument("--width", type=int, default=16)
  arguments = parser.parse_args()
  image = np.random.default_rng(0).integers(0, 256, (512, 768, 3), np.uint8)
  ways = [("blockcnn", 8, "block by block"), ("blockcnn_fc", 8, "block by block")]
  ways += [("blockcnn_fc", tile, f"tiles of {tile}") for tile in (64, 128, 256)]
  first = None
  for name, tile, way in ways:
    entry = registry.get(name)
    network = registry.build(config.ModelConfig(model=name, width=arguments.width))
    taken = seconds(restorer.Restorer(network, entry, tile), image)
    first = first or taken
    print(f"{name:<12} width {arguments.width}, {way:<15} {taken:7.2f} s  {first / taken:5.1f}x")


if __name__ == "__main__":
  main()
