"""What restoring gains on contents of every kind, and which share of the coefficients comes back.

make bench PART=contents IMAGES=FOLDER SUB='contents graphics'

contents: photographs are the middles of PNG images of the folder; other kinds are made of them or
drawn. Each is saved at five qualities in 4:2:0, 4:4:4 and gray, and restored by both networks as
deblock-restore does. Prints Markdown: the mean gain in PSNR over the JPEG, in dB, and the share of
the file's coefficients that compressing the result gives again, in percent; then the cells that
break a promise: -0.02 dB at least, 99.9 % given back up to quality 40, and 99 % at 75.

graphics: images of each kind that deblock-records draws, of the split that training never sees, at
qualities 20 and 60 in 4:2:0. Prints the mean gain as deblock-restore has it, then without its hold
on the cells and its trust. MODELS='fast RUN.onnx' measures others than the pretrained networks.
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
from deblock.records.graphics import kinds
from deblock.records.jpeg import coefficients
from deblock.records.photos import original

PARTS = ("contents", "graphics")
GRAPHICS_QUALITIES = (20, 60)
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


def contents(names: list[str], pictures: list[np.ndarray], seeds: range) -> None:
  """Prints two tables for each network, and what breaks a promise."""
  images = list(contents_images.every(pictures, seeds))
  for name in names:
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


def graphics(names: list[str], count: int, seed: int) -> None:
  """Prints the mean gain on each kind of drawn image: held to its cells, then free."""
  networks = {name: network_lib.load(name) for name in names}
  columns = [(name, quality) for name in names for quality in GRAPHICS_QUALITIES]
  heads = [f"JPEG q{quality}" for quality in GRAPHICS_QUALITIES]
  heads += [f"`{name}` q{quality}" for name, quality in columns]
  print(f"| PSNR, dB | {' | '.join(heads)} |\n|---|{'---|' * len(heads)}")
  rows = []
  for number, kind in enumerate(tqdm.tqdm(kinds.KINDS)):
    indices = range(number, number + count * len(kinds.KINDS), len(kinds.KINDS))
    images = [kinds.draw("valid", seed, index, contents_images.SIDE) for index in indices]
    row = []
    for quality in GRAPHICS_QUALITIES:
      files = [encoded(clean, "4:2:0", quality) for clean in images]
      found = [original.decode(data, kind) for data in files]
      before = [psnr(each.samples, clean) for each, clean in zip(found, images, strict=True)]
      row.append([np.mean(before)])
      for network in networks.values():
        gains = []
        for is_held in (True, False):
          restored = (
            photograph.restore_original(each, network, quality, faithful=is_held) for each in found
          )
          after = [psnr(each.samples, clean) for each, clean in zip(restored, images, strict=True)]
          gains.append(np.mean(np.subtract(after, before)))
        row.append(gains)
    # From quality by quality to the order of the heads.
    each = len(networks) + 1
    ordered = [row[first + which] for which in range(each) for first in range(0, len(row), each)]
    rows.append(ordered)
    print(_line(kind, ordered), flush=True)
  print(_line("mean", [np.mean(cells, 0) for cells in zip(*rows, strict=True)]))


def _line(kind, cells):
  texts = (
    f"{cell[0]:.2f}" if len(cell) == 1 else ", ".join(f"{gain:+.2f}" for gain in cell)
    for cell in cells
  )
  return f"| {kind} | {' | '.join(texts)} |"


def main():
  """Prints the tables of the parts, of both by default."""
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; all unless said")
  parser.add_argument("--images", type=pathlib.Path, help="folder of PNG photographs, for contents")
  parser.add_argument("--models", default="", help="networks or FILE.onnx, with spaces between")
  parser.add_argument(
    "--count",
    type=int,
    default=8,
    help="photographs, and images of a kind of graphics",
  )
  parser.add_argument("--seed", type=int, default=0, help="of the first drawn image")
  parser.add_argument("--drawn", type=int, default=2, help="images of every other kind")
  arguments = parser.parse_args()
  parts = arguments.parts or PARTS
  if unknown := set(parts) - set(PARTS):
    parser.error(f"parts are {', '.join(PARTS)}, got {', '.join(sorted(unknown))}")
  names = arguments.models.split() or list(pretrained_files.names())
  if "contents" in parts:
    if arguments.images is None:
      parser.error("contents needs --images=FOLDER; make bench takes IMAGES=FOLDER")
    pictures = contents_images.photographs(arguments.images, arguments.count)
    contents(names, pictures, range(arguments.seed, arguments.seed + arguments.drawn))
  if "graphics" in parts:
    graphics(names, arguments.count, arguments.seed)


if __name__ == "__main__":
  main()
