"""Fits where inside its cell a coefficient is expected, and measures what that gains.

make bench PART=quality-expectation IMAGES=FOLDER

On pieces of photographs, saved once at some qualities or twice, the second time on a grid shifted
by so many pixels. For each network and kind of plane it prints the gain over the projection, in dB
of that plane and without clipping, of `expectation` as it is and of other settings of S and L, and
the best sigma of the first coefficient for each quality. The original lies in its cells only where
a file was saved once.
"""

import argparse
import pathlib

import numpy as np
from PIL import Image
import tqdm

from deblock.launch.restoring import expectation, planes
from deblock.launch.restoring import network as network_lib
from deblock.model import pretrained_files
from deblock.records.jpeg import codec, coefficients
from deblock.records.photos import original

SIDE, MARGIN = 256, 8  # Of a piece, and what is cut off for the second grid.
ONCE = (10, 40, 75, 90, 95)
TWICE = ((30, 70, 0), (30, 70, 4), (60, 60, 4))
SETTINGS = ((0.25, 0.45), (0.36, 0.5), (0.36, 0.65), (0.36, 0.8), (0.45, 1.0))
WAYS = (0.25, 0.5, 0.75, 1.0)
MEANS = tuple(np.geomspace(0.08, 2.0, 12))
KINDS = {"luma": "luma", "chroma 420": "sampled", "chroma 444": "whole"}


def cases(image):
  """Yields what was done, the clean image, and the last JPEG."""
  piece = image[:SIDE, :SIDE]
  for subsampling in ("420", "444"):
    for quality in ONCE:
      yield f"q{quality}", subsampling, piece, codec.encode(piece, quality, subsampling)
  whole = image[: SIDE + MARGIN, : SIDE + MARGIN]
  for first, second, shift in TWICE:
    place = slice(MARGIN - shift, MARGIN - shift + SIDE)
    before = np.ascontiguousarray(codec.decode(codec.encode(whole, first))[place, place])
    name = f"q{first}, then q{second} shifted by {shift}"
    yield name, "420", np.ascontiguousarray(whole[place, place]), codec.encode(before, second)


def restored(network, found):
  """Returns what a network makes of a JPEG, float32 [H, W, 3] in levels."""
  made = np.empty(found.samples.shape, np.float32)
  for top, left, part in network.parts(found.samples, found.header.tables):
    made[top : top + part.shape[0], left : left + part.shape[1]] = part
  return 255.0 * np.clip(made, 0.0, 1.0)


def places(image, read):
  """Yields the coefficients of an image's planes, in steps from the middles of a file's cells."""
  levels = np.ascontiguousarray(np.moveaxis(image.astype(np.float32), -1, 0)) - planes.CENTRE
  for samples, plane in zip(planes.from_rgb(levels), read.planes, strict=True):
    rows, columns = plane.integers.shape[:2]
    grid = planes.BLOCK * plane.factors[0], planes.BLOCK * plane.factors[1]
    units = planes.Units(rows, columns, grid)
    maps = planes.maps(grid, plane.factors, plane.steps.ravel())
    found = units.to_blocks(maps.forward(units.cut(samples, 1.0)[0]), plane.factors)
    yield found - plane.integers.reshape(rows, columns, 64)


class Sums:
  """The error of any way to move coefficients of one kind of plane, from sums over bins of |u|."""

  BINS, WIDTH = 40, 0.05

  def __init__(self):
    """Begins with nothing."""
    self.sums = np.zeros((4, 2, 64, self.BINS))

  def add(self, free, clean, plane):
    """Adds a plane: u of the network's output, u of the original, and the file's coefficients."""
    self.steps = plane.steps.ravel().astype(float)
    large = np.abs(plane.integers.reshape(free.shape)) > 1
    entry = np.minimum((np.abs(free) / self.WIDTH).astype(int), self.BINS - 1)
    entry += self.BINS * (np.arange(64) + 64 * large)
    values = np.ones_like(free), np.abs(free), np.sign(free) * clean, clean**2
    for sums, value in zip(self.sums, values, strict=True):
      sums += np.bincount(entry.ravel(), value.ravel(), sums.size).reshape(sums.shape)

  def error(self, sigma, way, chosen=slice(None)):
    """Returns the squared error with a sigma for each class and frequency, or of some of them."""
    count, away, product, square = self.sums
    mean = away / np.maximum(count, 1)
    nearest = np.minimum(mean, 0.5)
    moved = nearest + way * (expectation.cut_normal_mean(mean, sigma[..., np.newaxis]) - nearest)
    errors = (count * moved**2 - 2 * product * moved + square).sum(axis=(0, 2))
    return (errors * self.steps**2)[chosen].sum()


def sigmas(steps, small, large):
  """Returns sigma of both classes and all frequencies, [2, 64]; see `expectation`."""
  frequencies = 1.0 + np.add.outer(np.arange(8), np.arange(8)).ravel()
  made = np.stack([small * steps**-0.3, large * steps**-0.3 * frequencies**0.2])
  return np.maximum(made, 0.02)


def report(name, kind, found):
  """Prints a table of one network and kind of plane; found is {what was done: Sums}."""
  heads = [f"S {small:g}, L {large:g}" for small, large in SETTINGS] + [f"way {x:g}" for x in WAYS]
  print(f"\n| `{name}`, {kind} | {' | '.join(heads)} | best sigma of the first |")
  print("|---|" + "---|" * (len(heads) + 1))
  rest, first = slice(1, None), slice(0, 1)
  usual = expectation.S_AND_L[KINDS[kind]]
  for done, sums in found.items():
    base = sums.error(sigmas(sums.steps, *usual), 0.0, rest)
    trials = [(setting, expectation.WAY) for setting in SETTINGS] + [(usual, way) for way in WAYS]
    texts = [
      f"{10 * np.log10(base / sums.error(sigmas(sums.steps, *setting), way, rest)):+.3f}"
      for setting, way in trials
    ]
    errors = [sums.error(np.full((2, 64), sigma), 1.0, first) for sigma in MEANS]
    best = MEANS[int(np.argmin(errors))]
    gain = 10 * np.log10(sums.error(np.ones((2, 64)), 0.0, first) / min(errors))
    print(
      f"| {done} | {' | '.join(texts)} | step {sums.steps[0]:.0f}: {best:.2f}, {gain:+.2f} dB |"
    )


def main():
  """Prints a table for each pretrained network and kind of plane."""
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument("images", type=pathlib.Path)
  parser.add_argument("--count", type=int, default=8, help="images, evenly from the folder")
  arguments = parser.parse_args()
  paths = sorted(arguments.images.glob("*.png"))
  if not paths:
    parser.error("the folder holds no PNG images")
  paths = paths[:: max(1, len(paths) // arguments.count)][: arguments.count]
  for name in pretrained_files.names():
    network, found = network_lib.load(name), {kind: {} for kind in KINDS}
    for path in tqdm.tqdm(paths, desc=name):
      for done, subsampling, clean, data in cases(np.array(Image.open(path).convert("RGB"))):
        read = coefficients.read(data)
        free = restored(network, original.decode(data, path.name))
        pairs = zip(places(free, read), places(clean, read), read.planes, strict=True)
        for index, (one, other, plane) in enumerate(pairs):
          kind = f"chroma {subsampling}" if index else "luma"
          found[kind].setdefault(done, Sums()).add(one, other, plane)
    for kind in KINDS:
      report(name, kind, found[kind])


if __name__ == "__main__":
  main()
