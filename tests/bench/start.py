"""What a start costs: CPU-seconds and memory of whole commands, each in its own process.

make bench PART=start BESIDE=OTHER/.venv/bin

Prints the least of some rounds, in which the commands take turns. BESIDE names the programs of
another version, measured in the same rounds.
"""

import argparse
import os
import pathlib
import sys
import tempfile

import numpy as np
from PIL import Image

from deblock.records.sources import packaged

ROUNDS = 3
SIZES = {"256x256": (256, 256), "768x512": (512, 768)}
_LIBRARY = "import deblock; deblock.restore({!r}, model='fast')"


def commands(programs, folder):
  """Returns what is run, by name: each a list of arguments."""
  restore = str(programs / "deblock-restore")
  out = f"--out={folder / 'out'}"
  made = {
    "deblock-restore --help": [restore, "--help"],
    "deblock-train --help": [str(programs / "deblock-train"), "--help"],
    "a wrong flag": [restore, "--qualitty=3"],
    "a wrong model": [restore, "a.jpg", out, "--model=fats"],
    "a missing input": [restore, str(folder / "none.jpg"), out],
    "no --out": [restore, "a.jpg"],
  }
  for size in SIZES:
    for model in ("fast", "default"):
      path = str(folder / f"{size}.jpg")
      made[f"{size} {model}"] = [restore, path, out, f"--model={model}", "--overwrite"]
  path = str(folder / "256x256.jpg")
  made["import deblock; restore 256x256 fast"] = [
    str(programs / "python"),
    "-c",
    _LIBRARY.format(path),
  ]
  return made


def environment(folder):
  """Returns the variables of a command, for which modules are compiled once, as when installed."""
  variables = {**os.environ, "PYTHONPYCACHEPREFIX": str(folder / "cache")}
  variables.pop("PYTHONDONTWRITEBYTECODE", None)
  return variables


def cost(arguments, folder):
  """Returns the CPU-seconds and the largest memory in MB of a command."""
  nowhere = os.open(os.devnull, os.O_WRONLY)
  actions = [(os.POSIX_SPAWN_DUP2, nowhere, 1), (os.POSIX_SPAWN_DUP2, nowhere, 2)]
  before = pathlib.Path.cwd()
  os.chdir(folder)
  process = os.posix_spawn(arguments[0], arguments, environment(folder), file_actions=actions)
  os.chdir(before)
  os.close(nowhere)
  _, _, used = os.wait4(process, 0)
  return used.ru_utime + used.ru_stime, used.ru_maxrss / 1000


def main():
  """Prints a line for each command and version."""
  parser = argparse.ArgumentParser()
  parser.add_argument("--beside", type=pathlib.Path)
  options = parser.parse_args()
  path = next(image.path for image in packaged.packaged() if image.id == "coffee.png")
  with Image.open(path) as picture:
    pixels = np.array(picture.convert("RGB"))
  versions = {"": pathlib.Path(sys.executable).parent}
  if options.beside:
    versions["beside: "] = options.beside.absolute()
  with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    for size, (height, width) in SIZES.items():
      tiled = np.tile(pixels, (2, 2, 1))[:height, :width]
      Image.fromarray(tiled).save(folder / f"{size}.jpg", quality=20)
    least = {}
    for _ in range(ROUNDS):
      for version, programs in versions.items():
        for label, arguments in commands(programs, folder).items():
          seconds, memory = cost(arguments, folder)
          before = least.get(version + label, (seconds, memory))
          least[version + label] = min(before[0], seconds), min(before[1], memory)
    for label, (seconds, memory) in least.items():
      print(f"{label}: {seconds:.2f} CPU-s, {memory:.0f} MB")


if __name__ == "__main__":
  main()
