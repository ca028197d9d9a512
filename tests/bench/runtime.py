"""The pixels of the exported networks beside those of the Keras networks they were made from.

make bench PART=restoring-runtime IMAGES=KODAK COUNT=24

Prints, for each network and quality, the largest difference of the networks' outputs in levels,
before rounding; then of the restored pixels, held to the cells and freed, the largest difference
and the share of samples that differ.
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

QUALITIES = (10, 20, 30, 40, 60, 75, 90, 95)


class _Made:
  """A network that has run already: gives its output to whatever is done with it afterwards."""

  def __init__(self, network, found):
    self._parts = list(network.parts(found.samples, found.header.tables))

  def parts(self, compressed, tables):
    """Returns the parts of the one image that it was made for."""
    del compressed, tables
    return self._parts

  def whole(self):
    """Returns the output, float32 [H, W, 3] in levels; the image has one part."""
    (part,) = self._parts
    return 255.0 * part.restored


def compare(name, paths):
  """Prints how far both runtimes are apart, by quality."""
  exported = network_lib.load(name)
  keras_network = restorer.Restorer(*pretrained.load(name), constant=True)
  for quality in QUALITIES:
    apart = 0.0
    changes = {"held": [], "freed": []}
    for path in paths:
      with Image.open(path) as picture:
        clean = np.array(picture.convert("RGB"))
      found = original.decode(codec.encode(clean, quality), str(path))
      new, old = (_Made(network, found) for network in (exported, keras_network))
      apart = max(apart, float(np.abs(new.whole() - old.whole()).max()))
      for kind, each in changes.items():
        pixels = (
          photograph.restore_original(found, made, faithful=kind == "held").samples.astype(int)
          for made in (new, old)
        )
        each.append(np.abs(np.subtract(*pixels)))
    print(f"{name} q{quality} levels_before_rounding: {apart:.1e}")
    for kind, each in changes.items():
      largest = max(change.max() for change in each)
      share = np.mean([np.mean(change != 0) for change in each])
      print(f"{name} q{quality} {kind} levels: {largest}, share: {share:.2e}", flush=True)


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
