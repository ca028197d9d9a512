"""Gains of the pretrained weights: beside rivals, and by kind of damage.

make bench PART=quality IMAGES=KODAK SUB='rivals damages' COUNT=24

- rivals: classic filters and the networks at the protocol's four qualities in 4:2:0. Gains in PSNR,
  SSIM and PSNR-B over the JPEG, PSNR of luma too (ITU-T T.871), and seconds an image. "held" is
  kept inside the JPEG's cells, as by deblock-restore; "+" is the mean of eight orientations.
- damages: gains of deblock-restore on each kind in damages.py.

Prints Markdown.
"""

import argparse
import pathlib
import time

import damages
import numpy as np
from PIL import Image
import tqdm

from deblock.launch.evaluation import figures, methods, protocol
from deblock.launch.restoring import network as network_lib
from deblock.launch.restoring import photograph
from deblock.model import macs, pretrained, pretrained_files
from deblock.records.jpeg import sampling as jpeg_sampling
from deblock.records.photos import original

PARTS = ("rivals", "damages")
QUALITIES = (10, 20, 30, 40)
FILTERS = ("tv", "bilateral", "nlmeans", "reencodings")
NETWORKS = pretrained_files.names()
_LUMA = np.array(jpeg_sampling.LUMA)
_SAMPLES = 4  # Drawings, and pages of text.


def photographs(folder, count):
  """Returns the names and pixels of the folder's PNG images."""
  paths = sorted(pathlib.Path(folder).glob("*.png"))[:count]
  if not paths:
    raise FileNotFoundError(f"{folder} holds no PNG images.")
  return [(path.name, np.array(Image.open(path).convert("RGB"))) for path in paths]


def luma_gain(trial):
  """Returns the gain in PSNR of the luma of 8-bit pixels, of full range, not rounded."""
  clean, jpeg, restored = (image @ _LUMA for image in (trial.clean, trial.jpeg, trial.restored))
  return 10.0 * np.log10(((jpeg - clean) ** 2).mean() / ((restored - clean) ** 2).mean())


def sides(ensemble):
  """Yields the rows: a list of methods, whether they are held, and a name."""
  yield methods.load(FILTERS, ()), False, ""
  yield methods.load(NETWORKS, ()), False, ""
  yield methods.load(NETWORKS, ()), True, ", held"
  if ensemble:
    yield methods.load(NETWORKS[:1], (), self_ensemble=True), True, ", held"


def size(name):
  """Returns a network's parameters and thousands of multiply-accumulates a pixel, as cells."""
  if name.rstrip("+") not in NETWORKS:
    return "|"
  network, entry = pretrained.load(name.rstrip("+"))
  parameters = sum(int(np.prod(weight.shape)) for weight in network.trainable_variables)
  work = macs.per_pixel(network, entry) * (8 if name.endswith("+") else 1)
  return f"{parameters:,} | {work / 1e3:.0f}"


def rivals(images, ensemble):
  """Prints a table of rows for methods and of columns for qualities."""
  results = {}
  for chosen, held, said in sides(ensemble):
    methods.warm(chosen)
    settings = protocol.ProtocolConfig(faithful=held)
    for name, clean in tqdm.tqdm(images, desc=f"{chosen[0].name} and others{said}"):
      for quality in QUALITIES:
        for trial in figures.trials(chosen, name, clean, quality, settings, time.perf_counter):
          row = trial.row
          results.setdefault(row.model + said, {}).setdefault(quality, []).append(
            (
              row.gain,
              luma_gain(trial),
              row.ssim - row.ssim_jpeg,
              row.psnr_b - row.psnr_b_jpeg,
              row.seconds,
            )
          )
  titles = ("PSNR, RGB, dB", "PSNR, luma, dB", "SSIM", "PSNR-B, dB")
  for number, title in enumerate(titles):
    columns = " | ".join(f"q{quality}" for quality in QUALITIES)
    print(f"\n| gain in {title} | parameters | kMAC a pixel | {columns} | seconds an image |")
    print("|---|---|---|" + "---|" * (len(QUALITIES) + 1))
    for model, found in results.items():
      digits = 4 if title == "SSIM" else 3
      gains = " | ".join(
        f"{np.mean([row[number] for row in found[quality]]):+.{digits}f}" for quality in QUALITIES
      )
      seconds = np.mean([row[-1] for rows in found.values() for row in rows])
      print(f"| {model} | {size(model.split(',')[0])} | {gains} | {seconds:.2f} |", flush=True)


def damaged(images):
  """Prints the gains of deblock-restore on each kind of damage, mean and least of the images."""
  networks = {name: network_lib.load(name) for name in NETWORKS}
  subjects = {
    "photographs": images,
    "drawings": [(str(seed), damages.drawing(seed)) for seed in range(_SAMPLES)],
    "text": [(str(seed), damages.text(seed)) for seed in range(_SAMPLES)],
  }
  print("\n| PSNR, dB | before | " + " | ".join(f"{name} | least" for name in NETWORKS) + " |")
  print("|---|---|" + "---|---|" * len(NETWORKS))
  for said, damage, setting, subject in damages.CASES:
    before, cells = [], []
    for network in networks.values():
      gains = []
      for name, image in subjects[subject]:
        clean, data = damage(image, setting)
        found = original.decode(data, name)
        made = photograph.restore_original(found, network).samples
        shape = clean.shape
        row = figures.compare(name, 0, clean, found.samples.reshape(shape), made.reshape(shape))
        before.append(row.psnr_jpeg)
        gains.append(row.gain)
      cells.append(f"{np.mean(gains):+.3f} | {min(gains):+.3f}")
    print(f"| {said} | {np.mean(before):.2f} | {' | '.join(cells)} |", flush=True)


def main():
  """Measures the named parts, or all."""
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; all unless said")
  parser.add_argument("--images", required=True, help="folder of clean PNG images")
  parser.add_argument("--count", type=int, default=None, help="images, the first ones; all")
  parser.add_argument(
    "--ensemble", type=int, default=0, help="1: the default in eight positions too, in rivals"
  )
  arguments = parser.parse_args()
  if unknown := set(arguments.parts) - set(PARTS):
    parser.error(f"parts are {', '.join(PARTS)}, got {', '.join(sorted(unknown))}")
  images = photographs(arguments.images, arguments.count)
  chosen = arguments.parts or PARTS
  if "rivals" in chosen:
    rivals(images, arguments.ensemble)
  if "damages" in chosen:
    damaged(images)


if __name__ == "__main__":
  main()
