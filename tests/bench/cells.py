"""CPU-seconds a megapixel of holding an image to its cells: make bench PART=restoring-cells.

On photographs side by side, 1 megapixel and more, with half of the JPEG's error taken away in place
of a network. Prints the median of some rounds.
"""

import argparse
import pathlib
import time

import numpy as np
from PIL import Image

from deblock.launch.restoring import cells
from deblock.records.jpeg import codec, coefficients

ROUNDS = 7


def main():
  """Prints a line for each quality and sampling."""
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument("images", type=pathlib.Path)
  arguments = parser.parse_args()
  paths = sorted(arguments.images.glob("*.png"))[:4]
  sides = [np.array(Image.open(path).convert("RGB"))[:512, :512] for path in paths]
  clean = np.hstack([np.vstack(sides[:2]), np.vstack(sides[2:])])
  for quality in (10, 40, 90):
    for subsampling in ("420", "444"):
      data = codec.encode(clean, quality, subsampling)
      decoded, read = codec.decode(data), coefficients.read(data)
      free = ((clean / 2.0 + decoded / 2.0) / 255.0).astype(np.float32)
      taken = []
      for _ in range(ROUNDS):
        begun = time.process_time()
        cells.hold(free, decoded, read)
        taken.append(time.process_time() - begun)
      megapixels = clean.shape[0] * clean.shape[1] / 1e6
      print(f"q{quality} {subsampling}: {np.median(taken) / megapixels:.3f} CPU-s a megapixel")


if __name__ == "__main__":
  main()
