"""Our SSIMULACRA 2 beside its reference, on JPEGs of the images of a folder.

make bench PART=ssimulacra2 IMAGES=FOLDER BESIDE=PROGRAM COUNT=2

PROGRAM is `ssimulacra2` of libjxl, in Debian 13 the package libjxl-devtools.
"""

import argparse
import pathlib
import subprocess
import tempfile
import time

import numpy as np
from PIL import Image

from deblock.model import ssimulacra2
from deblock.records.jpeg import codec
from deblock.records.planning import cutting
from deblock.records.sources import opening

QUALITIES = (10, 20, 40, 75, 90)


def reference_score(program: str, restored: np.ndarray, clean: np.ndarray) -> float:
  """Returns what the reference prints for a pair of uint8 [H, W, 3]."""
  with tempfile.TemporaryDirectory() as folder:
    paths = [str(pathlib.Path(folder, name)) for name in ("clean.png", "restored.png")]
    for path, image in zip(paths, (clean, restored), strict=True):
      Image.fromarray(image).save(path)
    done = subprocess.run([program, *paths], check=True, capture_output=True, text=True)
    return float(done.stdout)


def main():
  """Prints the scores of each image at each quality, and the largest difference."""
  parser = argparse.ArgumentParser()
  parser.add_argument("images")
  parser.add_argument("program")
  parser.add_argument("--count", type=int, default=2)
  options = parser.parse_args()
  source = opening.open_source(images=options.images)
  largest = 0.0
  print("image                 quality  reference      ours  difference  CPU-s of ours")
  for image, picture in source.read(source.list()[: options.count]):
    clean = cutting.shrink(picture, 1)
    for quality in QUALITIES:
      jpeg = codec.decode(codec.encode(clean, quality))
      began = time.process_time()
      (ours,) = ssimulacra2.ssimulacra2(jpeg[np.newaxis] / 255.0, clean[np.newaxis] / 255.0)
      seconds = time.process_time() - began
      reference = reference_score(options.program, jpeg, clean)
      largest = max(largest, abs(ours - reference))
      print(
        f"{image.id:<20}  {quality:7d}  {reference:9.3f} {ours:9.3f}  {ours - reference:+10.3f}"
        f"  {seconds:13.2f}"
      )
  print(f"largest difference: {largest:.3f}")


if __name__ == "__main__":
  main()
