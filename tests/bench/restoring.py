"""Restores one 768x512 image by BlockCNN block by block and in tiles, and compares the results.

The networks have random weights; what is compared is time, and that whole tiles of blockcnn_fc give
what its blocks do. One run of each after one that compiles. Run by `make bench`.
"""

import argparse
import os
import time

import numpy as np

from deblock.launch import strategy  # noqa: F401, whose package makes TensorFlow use oneDNN
from deblock.model import config, registry, restorer

TILES = (64, 128, 256)


def run(restore, image):
  """Returns what is made of an image, float [H, W, 3], and the seconds and CPU-seconds taken."""
  list(restore.parts(image[:64, :64]))
  began, began_cpu = time.perf_counter(), time.process_time()
  (part,) = restore.parts(image)
  return part.restored, time.perf_counter() - began, time.process_time() - began_cpu


def network(name, width):
  """Returns a network whose head is not nought, and its entry."""
  built = registry.build(config.ModelConfig(model=name, width=width))
  for weight in built.trainable_variables:
    if not np.any(weight.numpy()):
      weight.assign(0.1 * np.random.default_rng(0).normal(size=weight.shape))
  return built, registry.get(name)


def main():
  """Prints a line for each way of running each network, then the ratios."""
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument("--width", type=int, default=16)
  arguments = parser.parse_args()
  print(f"oneDNN: {os.environ.get('TF_ENABLE_ONEDNN_OPTS')}")
  image = np.random.default_rng(0).integers(0, 256, (512, 768, 3), np.uint8)
  whole = network("blockcnn_fc", arguments.width)
  ways = [("blockcnn", network("blockcnn", arguments.width), 8)]
  ways += [("blockcnn_fc", whole, tile) for tile in (8, *TILES)]
  found = {}
  for name, built, tile in ways:
    restored, wall, cpu = run(restorer.Restorer(*built, tile, constant=True), image)
    found[name, tile] = restored, wall, cpu
    way = "block by block" if tile == 8 else f"tiles of {tile}"
    print(
      f"{name:<12} width {arguments.width}, {way:<15} {wall:7.2f} s, {cpu:7.2f} CPU-s", flush=True
    )
  blocks, wall, cpu = found["blockcnn_fc", 8]
  for tile in TILES:
    tiles, tile_wall, tile_cpu = found["blockcnn_fc", tile]
    print(f"ratio_blocks_to_tiles_of_{tile}: {wall / tile_wall:.2f}, CPU {cpu / tile_cpu:.2f}")
    print(f"largest_difference_tiles_of_{tile}: {np.abs(tiles - blocks).max():.2e}")


if __name__ == "__main__":
  main()
