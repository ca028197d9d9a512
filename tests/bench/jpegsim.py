"""JPEG as tensor operations against libjpeg-turbo: exactness and speed.

make bench PART=pipeline-jpeg IMAGES=FOLDER

If jpeglib is installed, coefficients are compared with those that it reads. If simplejpeg is
installed, it is timed too.
"""

import argparse
import importlib
import pathlib
import tempfile
import time

import numpy as np
from PIL import Image
import tensorflow as tf

from deblock.pipeline import jpegsim
from deblock.records.jpeg import codec
from deblock.records.jpeg import tables as jpeg_tables

QUALITIES = (5, 10, 25, 50, 75, 95)
VARIANTS = ("420", "422", "444", "gray")
BATCHES = (16, 32, 64)
CROP = 96
SECONDS = 2.0


def optional(name):
  """Returns a module, or None where it is not installed."""
  try:
    return importlib.import_module(name)
  except ImportError:
    return None


def exactness(images, variant, quality, jpeglib):
  """Returns shares of equal coefficients and pixels, of pixels within 1 level, and the worst error.

  The share of coefficients is NaN without jpeglib.
  """
  subsampling = "444" if variant == "gray" else variant
  tables = jpeg_tables.quantization_tables(quality)[np.newaxis]
  same = total = 0
  errors = np.zeros(256, np.int64)
  for image in images:
    clean = codec.to_gray(image) if variant == "gray" else image
    stream = codec.encode(clean, quality, subsampling)
    restored = jpegsim.compress(clean[np.newaxis], tables, subsampling)[0].numpy()
    levels = np.abs(restored.astype(np.int16) - codec.decode(stream)[..., : clean.shape[2]])
    errors += np.bincount(levels.ravel(), minlength=256)
    if jpeglib is None:
      continue
    with tempfile.NamedTemporaryFile(suffix=".jpg") as file:
      pathlib.Path(file.name).write_bytes(stream)
      held = jpeglib.read_dct(file.name)
    planes = jpegsim.coefficients(clean[np.newaxis], tables, subsampling)
    for ours, theirs in zip(planes, (held.Y, held.Cb, held.Cr), strict=False):
      same += np.count_nonzero(ours[0].numpy() == theirs)
      total += theirs.size
  return (
    same / total if total else np.nan,
    errors[0] / errors.sum(),
    errors[:2].sum() / errors.sum(),
    np.flatnonzero(errors)[-1],
  )


def cpu_us(function, crops):
  """Returns the CPU time of a call per crop, in microseconds: the best of several spells."""
  function()
  best, end = np.inf, time.perf_counter() + SECONDS
  while time.perf_counter() < end:
    began, calls, spell = time.process_time(), 0, time.perf_counter() + 0.1
    while time.perf_counter() < spell:
      function()
      calls += 1
    best = min(best, (time.process_time() - began) / calls / crops)
  return 1e6 * best


def crops_of(images, count):
  """Returns a number of crops, and a quality for each."""
  rng = np.random.default_rng(0)
  crops = []
  for index in range(count):
    image = images[index % len(images)]
    top, left = (rng.integers(0, side - CROP + 1) for side in image.shape[:2])
    crops.append(image[top : top + CROP, left : left + CROP])
  return np.stack(crops), rng.integers(5, 96, count)


def libraries(images, simplejpeg):
  """Yields the names and times of libjpeg's round trips, crop by crop."""
  crops, qualities = crops_of(images, 64)
  pairs = [(np.ascontiguousarray(c), int(q)) for c, q in zip(crops, qualities, strict=True)]
  yield "Pillow", cpu_us(lambda: [codec.decode(codec.encode(*pair)) for pair in pairs], len(pairs))
  if simplejpeg is not None:
    yield (
      "simplejpeg",
      cpu_us(
        lambda: [
          simplejpeg.decode_jpeg(
            simplejpeg.encode_jpeg(crop, quality, colorspace="RGB", colorsubsampling="420")
          )
          for crop, quality in pairs
        ],
        len(pairs),
      ),
    )


def main():
  """Prints a line for each quality and subsampling, then one for each implementation."""
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument("images")
  paths = sorted(pathlib.Path(parser.parse_args().images).glob("*.png"))
  if not paths:
    parser.error("the folder holds no PNG images")
  images = [np.array(Image.open(path).convert("RGB")) for path in paths]
  jpeglib, simplejpeg = optional("jpeglib"), optional("simplejpeg")

  reference = 0.0
  for name, time_us in libraries(images, simplejpeg):
    reference = time_us
    print(f"{name:<12} {time_us:7.1f} CPU-us per crop of {CROP}x{CROP}, 4:2:0, both ways")
  for mode in ("eager", "graph", "xla"):
    function = jpegsim.compress
    if mode != "eager":
      function = tf.function(jpegsim.compress, jit_compile=mode == "xla")
    for count in BATCHES:
      crops, qualities = crops_of(images, count)
      tables = np.stack([jpeg_tables.quantization_tables(int(quality)) for quality in qualities])
      arguments = tf.constant(crops), tf.constant(tables)
      time_us = cpu_us(lambda f=function, a=arguments: f(*a).numpy(), count)
      print(
        f"jpegsim {mode:<5} {time_us:6.1f} CPU-us per crop in batches of {count}; "
        f"{time_us / reference:.2f} of the last library",
        flush=True,
      )
  for variant in VARIANTS:
    for quality in QUALITIES:
      coefficients, equal, close, worst = exactness(images, variant, quality, jpeglib)
      print(
        f"{variant:<4} q{quality:<3} coefficients equal {coefficients:9.5%}, pixels equal "
        f"{equal:9.5%}, within 1 level {close:9.5%}, worst {worst} ({len(images)} images)",
        flush=True,
      )


if __name__ == "__main__":
  main()
