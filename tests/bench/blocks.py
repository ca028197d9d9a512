"""Restores one 768x512 image by BlockCNN block by block and in tiles, and compares the results.

The networks have random weights. Compared are times, and the tiles of blockcnn_fc with its blocks.
Blocks go 256 to a call, as in the restorer, and one to a call, as in the published code. One run of
each, after one that compiles.

make bench PART=restoring-blocks
"""

import argparse
import os
import time
from unittest import mock

import numpy as np

from deblock.launch.machines import strategy  # noqa: F401, whose package sets oneDNN
from deblock.model import restorer, tiling
from deblock.model.networks import config, registry
from deblock.records.jpeg import sampling as jpeg_sampling

TILES = (64, 128, 256)
BLOCK, ALONE = 8, 0  # Block by block, many to a call or one; above, sides of tiles.


def run(restore, image):
  """Returns the restored image, float [H, W, 3], and the seconds and CPU-seconds taken."""
  list(restore.parts(image[:64, :64]))
  began, began_cpu = time.perf_counter(), time.process_time()
  (part,) = restore.parts(image)
  return part.restored, time.perf_counter() - began, time.process_time() - began_cpu


def description(tile):
  """Returns the name of a way to run a network."""
  if tile == ALONE:
    return "one block to a call"
  return "block by block" if tile == BLOCK else f"tiles of {tile}"


def network(name, width):
  """Returns a network whose head is not zero, and its entry."""
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
  ways = [("blockcnn", network("blockcnn", arguments.width), tile) for tile in (ALONE, BLOCK)]
  ways += [("blockcnn_fc", whole, tile) for tile in (ALONE, BLOCK, *TILES)]
  found = {}
  for name, built, tile in ways:
    pixels = jpeg_sampling.BLOCK**2 if tile == ALONE else tiling.PIXELS_PER_CALL
    with mock.patch.object(restorer, "PIXELS_PER_CALL", pixels):
      restored, wall, cpu = run(restorer.Restorer(*built, tile or BLOCK, constant=True), image)
    found[name, tile] = restored, wall, cpu
    print(
      f"{name:<12} width {arguments.width}, {description(tile):<20} {wall:7.2f} s, "
      f"{cpu:7.2f} CPU-s",
      flush=True,
    )
  for slow in (ALONE, BLOCK):
    blocks, wall, cpu = found["blockcnn_fc", slow]
    print(f"blockcnn_fc, {description(slow)}, over tiles:")
    for tile in TILES:
      tiles, tile_wall, tile_cpu = found["blockcnn_fc", tile]
      print(f"ratio_to_tiles_of_{tile}: {wall / tile_wall:.2f}, CPU {cpu / tile_cpu:.2f}")
      print(f"largest_difference_tiles_of_{tile}: {np.abs(tiles - blocks).max():.2e}")


if __name__ == "__main__":
  main()
