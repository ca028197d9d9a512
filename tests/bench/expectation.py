"""Gains of moving to the expectation inside the cells, against projection.

make bench PART=quality-expectation IMAGES=FOLDER

Measured on pieces of photographs that were saved once, or twice with the second grid shifted.
Prints the gain in dB of luma over projection: for several parts of the way, and for several factors
of sigma at the usual part of the way; mean and least of the images.
"""

import argparse
import pathlib

import numpy as np
from PIL import Image
import tensorflow as tf

from deblock.launch.restoring import network as network_lib
from deblock.model import pretrained_files
from deblock.model.cells import consistency, expectation, planes
from deblock.records.jpeg import codec
from deblock.records.photos import levels as jpeg_levels
from deblock.records.photos import original

SIDE, MARGIN = 320, 8  # Side of a piece, and the cut for the second grid.
ONCE = (10, 40, 75, 90)
TWICE = ((30, 70, 0), (30, 70, 4), (10, 50, 4), (60, 60, 4))
WAYS = (0.25, 0.5, 0.75, 1.0)
DOUBTS = (0.7, 1.4)


def cases(image):
  """Yields a description, the clean image, and the last JPEG."""
  piece = image[:SIDE, :SIDE]
  for quality in ONCE:
    yield f"quality {quality}", piece, codec.encode(piece, quality)
  whole = image[: SIDE + MARGIN, : SIDE + MARGIN]
  for first, second, shift in TWICE:
    place = slice(MARGIN - shift, MARGIN - shift + SIDE)
    before = codec.decode(codec.encode(whole, first))[place, place]
    name = f"quality {first}, then {second} shifted by {shift}"
    yield name, whole[place, place], codec.encode(np.ascontiguousarray(before), second)


def restored(network, found):
  """Returns the network's output for a JPEG, float32 [1, H, W, 3] in [0, 1]."""
  made = np.empty(found.samples.shape, np.float32)
  for top, left, part in network.parts(found.samples, found.header.tables):
    made[top : top + part.shape[0], left : left + part.shape[1]] = part
  return tf.constant(np.clip(made, 0.0, 1.0)[np.newaxis])


def gains(network, clean, data):
  """Returns the gain of luma over the projection, by each setting."""
  found = original.decode(data, "a")
  levels = jpeg_levels.decode(data, "a").astype(np.float32)[np.newaxis]
  tables = np.asarray(found.header.tables, np.float32)[np.newaxis]
  bounds = consistency.decoded_cells([levels[..., 0]], tables)
  image, target = restored(network, found), planes.from_rgb(clean[np.newaxis] / np.float32(255))[0]

  def error(**options):
    moved = expectation.expect(image, bounds, **options)
    return float(tf.reduce_mean((planes.from_rgb(moved)[0] - target) ** 2))

  projected = error(way=0.0)
  settings = {f"way {way:g}": {"way": way} for way in WAYS}
  settings |= {f"sigma x{doubt:g}": {"doubt": doubt} for doubt in DOUBTS}
  return {name: 10.0 * np.log10(projected / error(**options)) for name, options in settings.items()}


def main():
  """Prints a table for each pretrained network."""
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument("images", type=pathlib.Path)
  parser.add_argument("--count", type=int, default=8, help="images, evenly from the folder")
  arguments = parser.parse_args()
  paths = sorted(arguments.images.glob("*.png"))
  if not paths:
    parser.error("the folder holds no PNG images")
  paths = paths[:: max(1, len(paths) // arguments.count)][: arguments.count]
  images = [np.array(Image.open(path).convert("RGB")) for path in paths]
  for name in pretrained_files.names():
    network, rows = network_lib.load(name), {}
    for image in images:
      for done, clean, data in cases(image):
        for setting, gain in gains(network, clean, data).items():
          rows.setdefault(done, {}).setdefault(setting, []).append(gain)
    print(f"\n| `{name}`, {len(images)} images | {' | '.join(next(iter(rows.values())))} |")
    print("|---|" + "---|" * (len(WAYS) + len(DOUBTS)))
    for done, found in rows.items():
      texts = (f"{np.mean(gain):+.3f} ({min(gain):+.3f})" for gain in found.values())
      print(f"| {done} | {' | '.join(texts)} |", flush=True)


if __name__ == "__main__":
  main()
