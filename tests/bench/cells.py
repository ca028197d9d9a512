"""CPU-seconds a megapixel of holding an image to its cells: make bench PART=restoring-cells.

On photographs side by side, 1 megapixel and more, with half of the JPEG's error taken away in place
of a network. Prints the median of some rounds. Then, for the same photographs repeated to 12
megapixels: CPU-seconds to read the coefficients, here and in a process of its own, and the estimate
that `coefficients.read` chooses by.
"""

import argparse
import io
import os
import pathlib
import time

import numpy as np
from PIL import Image

from deblock.launch.restoring import cells
from deblock.records.jpeg import codec, coefficients, scans

ROUNDS = 7
_READING_ROUNDS = 3


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
  large = np.tile(clean, (3, 4, 1))
  for subsampling in ("4:2:0", "4:4:4"):
    for progressive in (False, True):
      reading(large, subsampling, progressive)


def reading(image, subsampling, progressive):
  """Prints how long the coefficients of an image of quality 90 take to read."""
  stream = io.BytesIO()
  options = {"quality": 90, "subsampling": subsampling, "progressive": progressive}
  Image.fromarray(image).save(stream, "JPEG", **options)
  data = stream.getvalue()
  taken = []
  for most_seconds_here in (60.0, -1.0):
    coefficients._MOST_SECONDS_HERE = most_seconds_here
    each = []
    for _ in range(_READING_ROUNDS):
      # User and system time, and that of processes that have ended.
      begun = sum(os.times()[:4])
      coefficients.read(data)
      each.append(sum(os.times()[:4]) - begun)
    taken.append(np.median(each))
  estimate = coefficients._seconds(scans.work(data), len(data))
  kind = "progressive" if progressive else "baseline"
  print(
    f"reading {image.shape[0] * image.shape[1] / 1e6:.1f} megapixels, {subsampling}, {kind}: "
    f"{taken[0]:.2f} CPU-s here, {taken[1]:.2f} apart, {estimate:.2f} estimated"
  )


if __name__ == "__main__":
  main()
