"""Gains of projection onto the quantisation cells, for the JPEG and for pretrained networks.

make bench PART=quality-cells IMAGES=FOLDER

For each quality: PSNR of what a network restores, and by how much it rises with the projection:
with the file's own coefficients, with those recovered from YCbCr as libjpeg decodes it, with those
recovered from RGB, with luma's alone, at other tolerances, and with the way to the expectation in
its place, which deblock-restore goes before it projects. Then what share of the coefficients a file
of the restored image holds unlike the JPEG, without and with the projection; what share of
coefficients is recovered; and what share of the originals' lies outside its cells.
"""

import argparse
import io
import pathlib

import numpy as np
from PIL import Image
import tensorflow as tf

from deblock.model import metrics, pretrained, pretrained_files
from deblock.model.cells import block_dct, consistency, expectation, planes
from deblock.pipeline import jpegsim
from deblock.records.jpeg import codec
from deblock.records.jpeg import tables as jpeg_tables

QUALITIES = (10, 20, 40, 75)
TOLERANCES = (-0.5, 0.0, 1.0, 4.0)


class Case:
  """An image compressed at a quality, and its coefficients by every source."""

  def __init__(self, clean, quality):
    self.tables = tf.constant(jpeg_tables.quantization_tables(quality)[np.newaxis], tf.float32)
    stream = codec.encode(clean, quality)
    self.clean = _float(clean)
    self.jpeg = _float(codec.decode(stream))
    self.integers = jpegsim.coefficients(clean[np.newaxis], self.tables)
    self.exact = consistency.cells(self.integers, self.tables)
    with Image.open(io.BytesIO(stream)) as picture:
      picture.draft("YCbCr", picture.size)
      levels = np.array(picture)[np.newaxis].astype(np.float32)
    decoded = [levels[..., plane] for plane in range(3)]
    self.from_planes = consistency.decoded_cells(decoded, self.tables)
    self.from_rgb = consistency.recovered_cells(self.jpeg, self.tables)

  def psnr(self, images):
    """Returns the PSNR of images as 8-bit files, by the protocol."""
    return float(metrics.psnr(metrics.quantize(images), self.clean)[0])

  def projections(self, restored):
    """Yields a name and the projected image for each way to project."""
    yield "file", consistency.project(restored, self.exact)
    yield "YCbCr", consistency.project(restored, self.from_planes)
    yield "RGB", consistency.project(restored, self.from_rgb)
    yield "luma", consistency.project(restored, self.exact[:1])
    for tolerance in TOLERANCES:
      yield f"{tolerance:+g}", consistency.project(restored, self.exact, tolerance=tolerance)
    yield "expected", expectation.expect(restored, self.exact)

  def unlike(self, images):
    """Returns the share of coefficients that differ once the images are compressed again."""
    levels = tf.cast(tf.round(255.0 * tf.clip_by_value(images, 0.0, 1.0)), tf.uint8)
    return share_unequal(jpegsim.coefficients(levels, self.tables), self.integers)

  def outside(self, tolerance):
    """Returns the share of the original's luma coefficients outside their cells."""
    luma = planes.downsample(planes.from_rgb(self.clean)[0], "444")
    found = block_dct.forward(luma - planes.CENTRE)
    low, high = self.exact[0]
    return float(np.mean((found < low - tolerance) | (found > high + tolerance)))


def share_unequal(some, others):
  """Returns the share of elements of two lists of tensors that differ."""
  pairs = list(zip(some, others, strict=True))
  return sum(np.count_nonzero(a != b) for a, b in pairs) / sum(
    a.shape.num_elements() for a, _ in pairs
  )


def _float(image):
  return tf.constant(image[np.newaxis] / np.float32(255.0))


def _lows(bounds):
  return [low for low, _ in bounds]


def main():
  """Prints a line for each quality and network, and one for each quality."""
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument("images", type=pathlib.Path)
  parser.add_argument("--count", type=int, default=8, help="images, evenly from the folder")
  arguments = parser.parse_args()
  paths = sorted(arguments.images.glob("*.png"))
  if not paths:
    parser.error("the folder holds no PNG images")
  paths = paths[:: max(1, len(paths) // arguments.count)][: arguments.count]
  cleans = [np.array(Image.open(path).convert("RGB")) for path in paths]
  networks = {name: pretrained.load(name) for name in pretrained_files.names()}
  print(f"{len(paths)} images; gains in dB, each with the worst image's")
  for quality in QUALITIES:
    cases = [Case(clean, quality) for clean in cleans]
    restored = {"identity": [case.jpeg for case in cases]}
    for name, (network, entry) in networks.items():
      restored[name] = [
        network(entry.inputs(case.jpeg, case.tables), training=False) for case in cases
      ]
    for name, images in restored.items():
      report(quality, name, cases, images)
    for name, found in (("YCbCr", "from_planes"), ("RGB", "from_rgb")):
      rows = [(_lows(getattr(case, found)), _lows(case.exact)) for case in cases]
      missing = np.mean(
        [np.mean(np.isinf(np.concatenate([np.ravel(p) for p in a]))) for a, _ in rows]
      )
      wrong = np.mean([share_unequal(a, b) for a, b in rows]) - missing
      print(f"q{quality:<3} recovered from {name}: unknown {missing:.2e}, wrong {wrong:.2e}")
    shares = "  ".join(
      f"±{tolerance:g}: {np.mean([case.outside(tolerance) for case in cases]):.1e}"
      for tolerance in (0.0, consistency.TOLERANCE, *TOLERANCES[2:])
    )
    print(f"q{quality:<3} originals' luma coefficients outside their cells by more than {shares}")


def report(quality, name, cases, images):
  """Prints the line of one network at one quality."""
  before = [case.psnr(image) for case, image in zip(cases, images, strict=True)]
  gains, unlike = {}, {}
  for case, image, psnr in zip(cases, images, before, strict=True):
    for way, projected in case.projections(image):
      gains.setdefault(way, []).append(case.psnr(projected) - psnr)
      if way in ("file", f"{consistency.TIGHTEST:+g}", "expected"):
        unlike.setdefault(way, []).append(case.unlike(projected))
    unlike.setdefault("alone", []).append(case.unlike(image))
  text = "  ".join(f"{way} {np.mean(gain):+.4f} ({min(gain):+.4f})" for way, gain in gains.items())
  shares = ", ".join(f"{way} {np.mean(share):.1e}" for way, share in sorted(unlike.items()))
  print(
    f"q{quality:<3} {name:<9} PSNR {np.mean(before):.3f}  {text}  unlike the file: {shares}",
    flush=True,
  )


if __name__ == "__main__":
  main()
