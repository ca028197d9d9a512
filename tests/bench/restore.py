"""The promises of deblock-restore: fidelity, speed and memory, and a peer beside it.

make bench PART=restoring IMAGES=FOLDER TORCH=PYTHON SUB='fidelity speed memory peers'

- fidelity, on PNG images in IMAGES: the share of a file's coefficients that the result gives back
  when it is compressed again, and the gain in PSNR, with and without the file's quantisation cells.
- speed, memory: the program's whole work on one file of several sizes, each in its own process.
  Memory counts from the moment when the libraries and the network are loaded.
- peers: one 768x512 image by the pretrained networks and by DnCNN-3 with random weights in PyTorch,
  in turns.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np
from PIL import Image
import rounds

PARTS = ("fidelity", "speed", "memory", "peers")
QUALITIES = (10, 20, 40, 75, 90, 95)
NETWORKS = ("default", "fast")
SIZES = {0.4: (512, 768), 1.0: (1024, 1024), 12.0: (3000, 4000), 100.0: (10000, 10000)}
MAX_MEMORY_MIB = 2048


def photograph(height, width):
  """Returns a photograph of any size, uint8 [height, width, 3]: one, repeated in mirror images."""
  from deblock.records.sources import packaged

  path = next(image.path for image in packaged.packaged() if image.id == "coffee.png")
  with Image.open(path) as picture:
    pixels = np.array(picture.convert("RGB"))
  rows, columns = (
    np.abs((np.arange(side) + period) % (2 * period) - period).clip(0, period - 1)
    for side, period in zip((height, width), pixels.shape[:2], strict=True)
  )
  return pixels[rows[:, None], columns]


def work(path, out, model):
  """Restores one file as the program does, and prints its time and memory as JSON."""
  from deblock.launch.file_sets import outputs
  from deblock.launch.restoring import batch, one_file, restore_config
  from deblock.launch.restoring import network as network_lib

  config = restore_config.RestoreConfig(
    out=out, model=model, max_memory=MAX_MEMORY_MIB, overwrite=True
  )
  network = network_lib.load(model, one_file.window_bytes(config.max_memory))
  # Compiling does not count.
  small = pathlib.Path(out).with_name("small.jpg")
  Image.fromarray(photograph(64, 64)).save(small, quality=50)
  batch.run([outputs.Job(str(small), pathlib.Path(out) / "small.png")], network, config)
  pathlib.Path("/proc/self/clear_refs").write_text("5")  # Forgets the peak.
  before = _status("VmRSS")
  began = time.perf_counter(), time.process_time()
  job = outputs.Job(path, pathlib.Path(out) / "result.png")
  (outcome,) = batch.run([job], network, config)
  taken = time.perf_counter() - began[0], time.process_time() - began[1]
  print(json.dumps([outcome.status, outcome.detail, *taken, _status("VmHWM") - before]))


def sizes(model, chosen, folder):
  """Prints speed and memory of a network on files of several sizes."""
  costs = {}
  for megapixels in chosen:
    height, width = SIZES[megapixels]
    path = folder / f"{megapixels:g}.jpg"
    Image.fromarray(photograph(height, width)).save(path, quality=50)
    done = subprocess.run(
      [sys.executable, __file__, "--work", str(path), str(folder / "out"), model],
      stdout=subprocess.PIPE,
      text=True,
      check=True,
    )
    path.unlink()
    status, detail, wall, cpu, grown = json.loads(done.stdout)
    name = f"{model} {megapixels:g} MP"
    if status != "restored":
      print(f"{name} failed: {detail}", flush=True)
      continue
    exact = height * width / 1e6
    costs[megapixels] = cpu / exact
    print(f"{name} megapixels_per_second: {exact / wall:.3f}")
    print(f"{name} cpu_seconds_per_megapixel: {cpu / exact:.3f}")
    print(f"{name} peak_mib_above_start: {grown:.0f}", flush=True)
  for megapixels, cost in costs.items():
    if 1.0 in costs and megapixels > 1:
      print(f"{model} cpu_cost_per_megapixel_{megapixels:g}_over_1: {cost / costs[1.0]:.3f}")


def fidelity(paths):
  """Prints gains and the share of coefficients given back, for each network and quality."""
  from deblock.launch.restoring import network as network_lib
  from deblock.launch.restoring import photograph as photograph_lib
  from deblock.records.jpeg import codec
  from deblock.records.jpeg import tables as jpeg_tables
  from deblock.records.photos import original

  for model in NETWORKS:
    network = network_lib.load(model)
    for quality in QUALITIES:
      tables = jpeg_tables.quantization_tables(quality)
      rows = {True: [], False: []}
      for path in paths:
        with Image.open(path) as picture:
          clean = np.array(picture.convert("RGB"))
        found = original.decode(codec.encode(clean, quality), str(path))
        for held, row in rows.items():
          made = photograph_lib.restore_original(found, network, faithful=held).samples
          gain = _psnr(made, clean) - _psnr(found.samples, clean)
          row.append((gain, _same(made, clean, tables)))
      for held, row in rows.items():
        gains, shares = zip(*row, strict=True)
        name = f"{model} q{quality} {'held' if held else 'freed'}"
        print(f"{name} gain_db: {np.mean(gains):+.3f} (least {min(gains):+.3f})")
        print(f"{name} coefficients_given_back: {np.mean(shares):.5f}", flush=True)


def peers(python, count):
  """Prints the speed of the networks as multiples of DnCNN-3's (Zhang et al. 2017) on luma."""
  from deblock.launch.restoring import network as network_lib
  from deblock.launch.restoring import photograph as photograph_lib
  from deblock.records.jpeg import codec
  from deblock.records.jpeg import tables as jpeg_tables
  from deblock.records.photos import original

  data = codec.encode(photograph(512, 768), 20)
  tables = jpeg_tables.quantization_tables(20)
  found = original.decode(data, "a")
  peer = rounds.Peer(python, os.cpu_count())
  request = {"network": "dncnn3_luma", "work": "inference", "shape": [1, 512, 768]}
  sides = {layout: peer.side(**request, layout=layout) for layout in rounds.LAYOUTS}
  for model in NETWORKS:
    network = network_lib.load(model)
    sides[model] = rounds.here(lambda network=network: network(found.samples, tables))
    sides[f"{model} with decoding and cells"] = rounds.here(
      lambda network=network: photograph_lib.restore_original(original.decode(data, "a"), network)
    )
  taken = rounds.medians(sides, count)
  theirs = rounds.best(taken, rounds.LAYOUTS)
  for name, ours in taken.items():
    print(f"{name} seconds: {ours.wall:.3f}\n{name} cpu_seconds: {ours.cpu:.3f}")
    if name not in rounds.LAYOUTS:
      print(f"{name} ratio_vs_dncnn3: {theirs.wall / ours.wall:.2f}")
      print(f"{name} ratio_vs_dncnn3_cpu: {theirs.cpu / ours.cpu:.2f}")


def _psnr(image, clean):
  return 10.0 * np.log10(255.0**2 / np.mean((image.astype(np.float64) - clean) ** 2))


def _same(made, clean, tables):
  """Returns the share of coefficients that are the same in files of both images."""
  from deblock.pipeline import jpegsim

  planes = [jpegsim.coefficients(image[np.newaxis], tables[np.newaxis]) for image in (made, clean)]
  same = sum(np.count_nonzero(a == b) for a, b in zip(*planes, strict=True))
  return same / sum(a.shape.num_elements() for a in planes[0])


def _status(name):
  for line in pathlib.Path("/proc/self/status").read_text().splitlines():
    if line.startswith(name):
      return int(line.split()[1]) / 1024
  raise KeyError(name)


def main():
  """Measures the named parts, or all."""
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument("parts", nargs="*", help=f"some of {', '.join(PARTS)}; all if none is named")
  parser.add_argument("--images", default="", help="folder of PNG images, for fidelity")
  parser.add_argument("--count", type=int, default=0, help="images, evenly; 0 for all")
  parser.add_argument("--torch", default="", help="a Python that has PyTorch, for peers")
  parser.add_argument("--rounds", type=int, default=5, help="of peers")
  parser.add_argument("--largest", type=float, default=100.0, help="megapixels at most")
  parser.add_argument("--work", nargs=3, help=argparse.SUPPRESS)
  arguments = parser.parse_args()
  if arguments.work:
    work(*arguments.work)
    return
  if unknown := set(arguments.parts) - set(PARTS):
    parser.error(f"parts are {', '.join(PARTS)}, not {', '.join(sorted(unknown))}")
  parts = arguments.parts or PARTS
  os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
  if "fidelity" in parts:
    paths = sorted(pathlib.Path(arguments.images).glob("*.png")) if arguments.images else []
    if paths:
      step = max(1, len(paths) // arguments.count) if arguments.count else 1
      fidelity(paths[::step][: arguments.count or None])
    else:
      print("fidelity left out: IMAGES names no folder of PNG images")
  chosen = [size for size in SIZES if size <= arguments.largest]
  with tempfile.TemporaryDirectory() as name:
    if "speed" in parts:
      sizes("default", chosen, pathlib.Path(name))
    if "memory" in parts:
      sizes("fast", chosen, pathlib.Path(name))
  if "peers" in parts:
    if arguments.torch:
      peers(arguments.torch, arguments.rounds)
    else:
      print("peers left out: TORCH names no Python that has PyTorch")


if __name__ == "__main__":
  main()
