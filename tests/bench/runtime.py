"""The pixels of the exported networks beside those of the Keras networks they were made from.

make bench PART=restoring-runtime IMAGES=KODAK COUNT=24
"""

import argparse
import pathlib

import numpy as np
from PIL import Image

from deblock.launch.restoring import network as network_lib
from deblock.launch.restoring import photograph
from deblock.model import pretrained, pretrained_files, restorer
from deblock.records.jpeg import codec
from deblock.records.photos import original

QUALITIES = (10, 20, 40, 60, 80, 95)


def compare(name, paths):
  """Prints the largest difference in levels and the share of samples that differ, by quality."""
  exported = network_lib.load(name)
  keras_network = restorer.Restorer(*pretrained.load(name), constant=True)
  for quality in QUALITIES:
    for faithful in (True, False):
      largest, differing, samples = 0, 0, 0
      for path in paths:
        with Image.open(path) as picture:
          clean = np.array(picture.convert("RGB"))
        found = original.decode(codec.encode(clean, quality), str(path))
        new, old = (
          photograph.restore_original(found, network, faithful=faithful).samples.astype(int)
          for network in (exported, keras_network)
        )
        change = np.abs(new - old)
        largest = max(largest, int(change.max()))
        differing += int(np.count_nonzero(change))
        samples += change.size
      held = "held" if faithful else "freed"
      share = differing / samples
      print(f"{name} q{quality} {held} levels: {largest}, share: {share:.2e}", flush=True)


def main():
  """Compares both pretrained networks on the first images of a folder."""
  parser = argparse.ArgumentParser()
  parser.add_argument("images")
  parser.add_argument("--count", type=int, default=24)
  options = parser.parse_args()
  paths = sorted(pathlib.Path(options.images).glob("*.png"))[: options.count]
  for name in pretrained_files.names():
    compare(name, paths)


if __name__ == "__main__":
  main()
