"""What restoring gains on contents of every kind, and which share of the coefficients comes back.

make bench PART=contents IMAGES=FOLDER

Photographs are the middles of PNG images of the folder; other kinds are made of them or drawn. Each
is saved at five qualities in 4:2:0, 4:4:4 and gray, and restored by both networks as
deblock-restore does. Prints Markdown: the mean gain in PSNR over the JPEG, in dB, and the share of
the file's coefficients that compressing the result gives again, in percent; then the cells that
break a promise: -0.02 dB at least, 99.9 % given back up to quality 40, and 99 % at 75.
"""

import argparse
import io
import pathlib

import contents_images
import numpy as np
from PIL import Image
import tqdm

from deblock.launch.restoring import network as network_lib
from deblock.launch.restoring import photograph
from deblock.model import pretrained_files
from deblock.records.jpeg import coefficients
from deblock.records.photos import original

QUALITIES = (10, 40, 75, 90, 95)
SAMPLINGS = {"4:2:0": {"subsampling": 2}, "4:4:4": {"subsampling": 0}, "gray": {}}
LEAST_GAIN = -0.02
LEAST_SHARES = {10: 99.9, 40: 99.9, 75: 99.0}


def encoded(pixels: np.ndarray, sampling: str, quality: int) -> bytes:
  """Returns a JPEG; of pixels, uint8 [H, W, 3], as gray where the sampling says so."""
  picture = Image.fromarray(pixels)
  if sampling == "gray":
    picture = picture.convert("L")
  stream = io.BytesIO()
  picture.save(stream, "JPEG", quality=quality, **SAMPLINGS[sampling])
  return stream.getvalue()


def psnr(image: np.ndarray, clean: np.ndarray) -> float:
  """Returns the PSNR in decibels; 108 where the images are equal."""
  error = np.mean((image.astype(float) - clean) ** 2)
  return float(10.0 * np.log10(255.0**2 / max(error, 1e-6)))


def share_given_back(restored: np.ndarray, data: bytes, sampling: str, quality: int) -> float:
  """Returns the percentage of a file's coefficients that its result, compressed, has again."""
  again = coefficients.read(encoded(restored, sampling, quality))
  pairs = list(zip(again.planes, coefficients.read(data).planes, strict=True))
  same = sum(np.count_nonzero(one.integers == other.integers) for one, other in pairs)
  return 100.0 * same / sum(one.integers.size for one, _ in pairs)


def measured(network, clean: np.ndarray, sampling: str, quality: int) -> tuple[float, float]:
  """Returns the gain in dB, and the share that is given back."""
  data = encoded(clean, sampling, quality)
  found = original.decode(data, "the JPEG")
  restored = photograph.restore_original(found, network, quality).samples
  if sampling == "gray":
    clean = np.asarray(Image.fromarray(clean).convert("L"))
  gain = psnr(restored, clean) - psnr(found.samples, clean)
  return gain, share_given_back(restored, data, sampling, quality)


def table(title: str, rows: dict, digits: str) -> str:
  """Returns a Markdown table of {(kind, sampling, quality): number}."""
  columns = [(sampling, quality) for sampling in SAMPLINGS for quality in QUALITIES]
  lines = [f"| {title} | {' | '.join(f'{name} q{quality}' for name, quality in columns)} |"]
  lines.append("|---|" + "---|" * len(columns))
  for kind in dict.fromkeys(kind for kind, _, _ in rows):
    texts = (format(rows[(kind, *column)], digits) for column in columns)
    lines.append(f"| {kind} | {' | '.join(texts)} |")
  return "\n".join(lines)


def broken(gains: dict, shares: dict) -> list[str]:
  """Returns the cells of the tables that break a promise."""
  found = [f"{cell}: {gain:+.3f} dB" for cell, gain in gains.items() if gain < LEAST_GAIN]
  for cell, share in shares.items():
    if share < LEAST_SHARES.get(cell[2], 0.0):
      found.append(f"{cell}: {share:.2f} %")
  return found


def main():
  """Prints two tables for each network, and what breaks a promise."""
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument("images", type=pathlib.Path)
  parser.add_argument("--count", type=int, default=8, help="photographs, evenly from the folder")
  parser.add_argument("--seed", type=int, default=0, help="of the first drawn image")
  parser.add_argument("--drawn", type=int, default=2, help="images of every other kind")
  arguments = parser.parse_args()
  pictures = contents_images.photographs(arguments.images, arguments.count)
  seeds = range(arguments.seed, arguments.seed + arguments.drawn)
  images = list(contents_images.every(pictures, seeds))
  for name in pretrained_files.names():
    network = network_lib.load(name)
    found: dict = {}
    for kind, clean in tqdm.tqdm(images, desc=name):
      for sampling in SAMPLINGS:
        for quality in QUALITIES:
          one = measured(network, clean, sampling, quality)
          found.setdefault((kind, sampling, quality), []).append(one)
    gains, shares = (
      {cell: float(np.mean([pair[index] for pair in pairs])) for cell, pairs in found.items()}
      for index in (0, 1)
    )
    print(table(f"`{name}`: gain, dB", gains, "+.2f") + "\n")
    print(table(f"`{name}`: given back, %", shares, ".2f") + "\n")
    print(f"`{name}` breaks: {'; '.join(broken(gains, shares)) or 'nothing'}\n", flush=True)


if __name__ == "__main__":
  main()
