"""Which quantisation tables give the most restored PSNR a byte, on training images.

make bench PART=rate-tables IMAGES=FOLDER MODELS='fast default' COUNT=8

For each family of tables: the Bjøntegaard rate of RGB PSNR against the standard's tables in 4:2:0,
both restored and as they are. Slopes and weights of chroma are searched by coordinates.
"""

import argparse
import functools

import bd_rate
import numpy as np

from deblock.launch.compressing import ladder, trials
from deblock.launch.restoring import network as network_lib
from deblock.model import metrics
from deblock.records.photos import metadata as metadata_lib
from deblock.records.photos import saving
from deblock.records.planning import cutting
from deblock.records.sources import opening

_SIDE = 256
_SAMPLINGS = ("4:2:0", "4:4:4")
_RUNGS = (300, 430, 540, 640, 740)  # First steps of 5 to 55: qualities of about 85 to 15.
_SLOPES = (0.0, 0.5, 1.0, 2.0, 3.0, 4.5)
_CHROMA = (0.5, 0.7, 1.0, 1.4, 2.0, 2.8)


def curves(images, restore, shape, sampling):
  """Returns the curve of each image: (bits a pixel, PSNR) at each rung."""
  kind_curves = []
  for image in images:
    points = []
    for rung in _RUNGS:
      tables = ladder.tables(shape, rung)
      data, _ = saving.encode_jpeg(image, metadata_lib.Metadata(), tables, sampling)
      value = trials.measured(metrics.psnr, restore(data), image)
      points.append((8.0 * len(data) / image[..., 0].size, value))
    kind_curves.append(points)
  return kind_curves


def rate(kind_curves, standard):
  """Returns the mean of the images' Bjøntegaard rates against the standard's curves."""
  pairs = zip(standard, kind_curves, strict=True)
  return float(np.mean([bd_rate.bd_rate(one, other) for one, other in pairs]))


def main():
  """Prints a line for each family that is tried."""
  parser = argparse.ArgumentParser()
  parser.add_argument("images")
  parser.add_argument("--count", type=int, default=8)
  parser.add_argument("--models", nargs="+", default=["fast"])
  arguments = parser.parse_args()
  source = opening.open_source(images=arguments.images)
  listed = source.list()
  chosen = listed[:: max(1, len(listed) // arguments.count)][: arguments.count]
  images = [
    np.ascontiguousarray(cutting.shrink(picture, 1)[:_SIDE, :_SIDE])
    for _, picture in source.read(chosen)
  ]
  for model in ("", *arguments.models):
    search(model, images)


def search(model, images):
  """Prints a line for each family that is tried with a network; "" is none."""
  restore = trials.restored_by(network_lib.load(model)) if model else trials.decoded
  standard = curves(images, restore, ladder.shape("ijg", ""), "4:2:0")

  def show(name, shape, sampling):
    share = rate(curves(images, restore, shape, sampling), standard)
    print(f"{model or 'as it is':8}  {sampling}  {name}  {100 * share:+6.1f} %", flush=True)
    return share

  @functools.cache
  def tried(slope, chroma, sampling):
    shape = ladder.sloped_shape(slope, chroma)
    return show(f"slope {slope:3.1f}  chroma {chroma:3.1f}", shape, sampling)

  show("ijg", ladder.shape("ijg", ""), "4:4:4")
  for sampling in _SAMPLINGS:
    slope, chroma = 1.0, 1.0
    for _ in range(2):
      slope = min(_SLOPES, key=lambda value, c=chroma, s=sampling: tried(value, c, s))
      chroma = min(_CHROMA, key=lambda value, a=slope, s=sampling: tried(a, value, s))


if __name__ == "__main__":
  main()
