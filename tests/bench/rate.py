"""Bytes against quality: JPEG, restored and not, beside WebP and AVIF, on the images of a folder.

make bench PART=rate IMAGES=FOLDER COUNT=24 WORKDIR=DIR

Rates are means over images of the Bjøntegaard rate against baseline JPEG, with 95 % intervals by
bootstrap over images. What was measured is kept in WORKDIR/rate.json, and not measured again; the
plots are drawn beside it.
"""

import argparse
import io
import json
import pathlib
import time

import bd_rate
from matplotlib import pyplot
import numpy as np
from PIL import Image

from deblock.launch.compressing import trials
from deblock.launch.evaluation import measures
from deblock.launch.restoring import network as network_lib
from deblock.records.planning import cutting
from deblock.records.sources import opening

_MEASURES = ("psnr", "ssimulacra2")
_UNITS = {"psnr": "RGB PSNR, dB", "ssimulacra2": "SSIMULACRA 2"}
# Of qualities and rungs: from about 24 to 38 dB on photographs.
_QUALITIES = (4, 8, 15, 30, 50, 70, 85)
_RUNGS = (840, 740, 640, 540, 440, 360)
_SETTINGS = {
  "webp": {"format": "WEBP", "method": 4},
  "avif": {"format": "AVIF", "speed": 7},
}
_OTHERS = {"webp": (2, 10, 30, 55, 75, 88), "avif": (12, 25, 38, 50, 63, 75)}


def _pillow(pixels, **options):
  stream = io.BytesIO()
  Image.fromarray(pixels).save(stream, **options)
  return stream.getvalue()


def _codecs():
  """Returns of each codec its name, how it encodes at a setting, and the settings."""
  jpeg = {"format": "JPEG", "subsampling": "4:2:0"}
  small = {**jpeg, "optimize": True, "progressive": True}
  kinds = {f"sloped {sampling}": trials.Kind("sloped", sampling) for sampling in ("4:2:0", "4:4:4")}
  yield "jpeg baseline", lambda pixels, q: _pillow(pixels, quality=q, **jpeg), _QUALITIES
  yield "jpeg optimised", lambda pixels, q: _pillow(pixels, quality=q, **small), _QUALITIES
  for name, kind in kinds.items():
    yield f"jpeg {name}", lambda pixels, rung, k=kind: trials.encode(pixels, k, rung)[0], _RUNGS
  for name, settings in _OTHERS.items():
    options = _SETTINGS[name]
    yield name, lambda pixels, q, o=options: _pillow(pixels, quality=q, **o), settings


def _restorers():
  """Returns how files become pixels, by what is said of them."""
  yield "", trials.decoded
  for model in ("fast", "default"):
    yield f" + {model}", trials.restored_by(network_lib.load(model))


def measure(images, known, save):
  """Fills `known`: of each curve and image the points (bits a pixel, PSNR, SSIMULACRA 2)."""
  for suffix, restore in _restorers():
    for codec, encode, settings in _codecs():
      if (suffix and not codec.startswith("jpeg")) or (suffix and codec == "jpeg baseline"):
        continue
      curve = known.setdefault(f"{codec}{suffix}", {})
      for name, pixels in images:
        if name in curve:
          continue
        began, points = time.process_time(), []
        for setting in settings:
          data = encode(pixels, setting)
          made = restore(data)
          found = [trials.measured(measures.MEASURES[item].of, made, pixels) for item in _MEASURES]
          points.append((8.0 * len(data) / pixels[..., 0].size, *found))
        curve[name] = {"points": points, "seconds": time.process_time() - began}
        save()
      print(f"measured: {codec}{suffix}", flush=True)


def table(known, names, column, between):
  """Prints the rate of each curve against baseline JPEG, with its interval."""
  standard = known["jpeg baseline"]
  print(f"| {_UNITS[_MEASURES[column]]} | rate | 95 % interval | images |\n|--|--|--|--|")
  random = np.random.default_rng(0)
  for name, curve in known.items():
    shares = []
    for image in names:
      pair = [
        sorted((point[0], point[1 + column]) for point in curves[image]["points"])
        for curves in (standard, curve)
      ]
      low = max(*(points[0][1] for points in pair), between[0])
      high = min(*(points[-1][1] for points in pair), between[1])
      if high - low > 0.25 * (between[1] - between[0]):
        shares.append(bd_rate.bd_rate(*pair, between=(low, high)))
    if not shares:
      continue
    drawn = random.choice(shares, (2000, len(shares))).mean(axis=1)
    low, high = np.percentile(drawn, (2.5, 97.5))
    mean = f"{100 * np.mean(shares):+.1f} %"
    print(f"| {name} | {mean} | {100 * low:+.1f} to {100 * high:+.1f} % | {len(shares)} |")


def plot(known, names, column, path):
  """Draws the means over images of each curve's points."""
  figure, axes = pyplot.subplots(figsize=(8, 6))
  axes.set_prop_cycle(color=pyplot.colormaps["tab20"].colors)
  for name, curve in known.items():
    points = np.mean([curve[image]["points"] for image in names], axis=0)
    dashed = "--" if " + " not in name else "-"
    axes.plot(points[:, 0], points[:, 1 + column], dashed, marker=".", label=name)
  axes.set(xlabel="bits a pixel", ylabel=_UNITS[_MEASURES[column]], xscale="log")
  axes.grid(True, which="both", alpha=0.3)
  axes.legend(fontsize="small")
  figure.tight_layout()
  for suffix in (".svg", ".png"):
    figure.savefig(path.with_suffix(suffix), dpi=110)


def main():
  """Measures, prints tables, and draws plots."""
  parser = argparse.ArgumentParser()
  parser.add_argument("folder", type=pathlib.Path)
  parser.add_argument("--images", required=True)
  parser.add_argument("--count", type=int, default=24)
  options = parser.parse_args()
  source = opening.open_source(images=options.images)
  listed = source.list()
  listed = listed[:: max(1, len(listed) // options.count)][: options.count]
  images = [(item.id, cutting.shrink(picture, 1)) for item, picture in source.read(listed)]
  options.folder.mkdir(parents=True, exist_ok=True)
  path = options.folder / "rate.json"
  known = json.loads(path.read_text()) if path.exists() else {}
  measure(images, known, lambda: path.write_text(json.dumps(known)))
  names = [name for name, _ in images]
  table(known, names, 0, (25.5, 35.8))
  table(known, names, 1, (30.0, 80.0))
  for column, measured in enumerate(_MEASURES):
    plot(known, names, column, options.folder / f"rate-{measured}")


if __name__ == "__main__":
  main()
