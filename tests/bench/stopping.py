"""Stops programs at random moments, and looks for halves of files and for lost ones.

make bench PART=stopping

Restoring, records, evaluation and comparison are each started on a folder of small images, and sent
Ctrl-C, SIGTERM or SIGKILL after a random time, again and again into the same folder. After each
stop every file that can be seen there must be whole, all others must be known as temporary, inputs
must be unchanged, and Ctrl-C must have ended with 130. At the end each program runs undisturbed,
and must leave the files of a run that nobody stopped.
"""

import argparse
import collections
import hashlib
import importlib
import json
import os
import pathlib
import random
import shutil
import signal
import sys
import time
import traceback

import numpy as np
from PIL import Image

from deblock.records.layout import manifest, new_file
from deblock.records.photos import results

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
LOST = 45  # An exit status that no program has.
IMAGES = 6
SIDE = 96
_TIMED = (".json", ".csv", ".md", ".html")


def programs(photos, out):
  """Returns the command line of each program, its name first."""
  return {
    "restore": ["restore", str(photos), f"--out={out}", "--model=fast"],
    "records": ["build_records", f"--images={photos}", f"--records={out}", "--qualities=10,50",
                "--shards=3", "--tile_size=48"],
    "evaluate": ["evaluate", "--model=identity", f"--images={photos}", "--qualities=10,50",
                 f"--output={out}"],
    "compare": ["compare", "--model=identity", f"--images={photos}", "--qualities=10,50",
                f"--output={out}"],
  }  # fmt: skip


def start(command, log):
  """Runs a program in a process of its own, and returns its number.

  One process for all would define flags of one name twice; the imports before the fork save time.
  """
  process = os.fork()
  if process:
    return process
  status = LOST
  try:
    with log.open("wb") as stream:
      os.dup2(stream.fileno(), 1)
      os.dup2(stream.fileno(), 2)
    sys.argv = [f"deblock-{command[0]}", *command[1:]]
    importlib.import_module(f"deblock.launch.{command[0]}").run()
  except SystemExit as ended:
    status = ended.code or 0
  except KeyboardInterrupt:
    status = 128 + signal.SIGINT  # Before or after the program itself.
  except BaseException:
    traceback.print_exc()
  finally:
    os._exit(status)


def whole(path):
  """Returns whether a file that can be seen is complete."""
  try:
    if path.suffix == ".png":
      with Image.open(path) as picture:
        picture.load()
    elif path.suffix == ".json":
      json.loads(path.read_text())
    elif path.suffix == ".html":
      return path.read_text().rstrip().endswith("</html>")
    else:
      return path.stat().st_size > 0
  except (OSError, ValueError):
    return False
  return True


def look(out, found):
  """Counts the halves of files in a folder, and the files that nobody knows."""
  for path in sorted(out.rglob("*")) if out.exists() else ():
    if not path.is_file():
      continue
    if new_file.is_temporary(path.name):
      found["temporary"] += 1
    elif path.name.startswith(".") and path.name != results.NAME:
      found["unknown"] += 1
      print(f"unknown: {path}")
    elif not whole(path) and path.name != "lock":
      found["halves"] += 1
      print(f"half: {path}")
  if (out / manifest.NAME).exists():
    manifest.load(str(out))


def digests(folder):
  """Returns the digest of each file but for tables and reports, which hold measured times."""
  return {
    path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
    for path in sorted(folder.rglob("*"))
    if path.is_file() and path.suffix not in _TIMED and path.name[0] != "."
  }


def ended(process, number, found):
  """Counts how a process ended."""
  _, status = os.waitpid(process, 0)
  code = os.waitstatus_to_exitcode(status)
  expected = {-number, 0} if number != signal.SIGINT else {130, 0}
  if code not in expected:
    found["wrong status"] += 1
    print(f"{signal.Signals(number).name}: status {code}")
  found["stopped" if code else "ended before"] += 1


def stop_often(name, photos, workdir, stops, chance):
  """Stops a program and lets it end; returns what was found."""
  found = collections.Counter()
  calm, out, log = (workdir / f"{name}{ending}" for ending in ("-calm", "", ".log"))
  began = time.monotonic()
  process = start(programs(photos, calm)[name], log)
  if os.waitpid(process, 0)[1]:
    sys.exit(f"{name} failed undisturbed:\n{log.read_text()}")
  seconds = time.monotonic() - began
  inputs = digests(photos)
  for _ in range(stops):
    process = start(programs(photos, out)[name], log)
    time.sleep(chance.uniform(0.0, 1.1 * seconds))
    number = chance.choice(SIGNALS)
    os.kill(process, number)
    ended(process, number, found)
    look(out, found)
    if found["ended before"] and chance.random() < 0.5:
      shutil.rmtree(out, ignore_errors=True)
  process = start(programs(photos, out)[name], log)
  if os.waitpid(process, 0)[1]:
    sys.exit(f"{name} failed after it was stopped:\n{log.read_text()}")
  found["different"] += digests(out) != digests(calm)
  found["inputs changed"] += digests(photos) != inputs
  return found


def main():
  """Prints a line for each program, and ends with an error if anything was lost or half written."""
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument("workdir", type=pathlib.Path)
  parser.add_argument("--count", type=int, default=20, help="stops of each program")
  parser.add_argument("--seed", type=int, default=0)
  options = parser.parse_args()
  # Before the forks; TensorFlow itself must not start here.
  importlib.import_module("deblock.launch.evaluation.figures")

  shutil.rmtree(options.workdir, ignore_errors=True)
  photos = options.workdir / "photos"
  photos.mkdir(parents=True)
  random_pixels = np.random.default_rng(options.seed)
  for index in range(IMAGES):
    coarse = Image.fromarray(random_pixels.integers(0, 256, (6, 6, 3), dtype=np.uint8))
    coarse.resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(photos / f"{index}.jpg", quality=20)
  chance, bad = random.Random(options.seed), 0
  for name in programs(photos, options.workdir):
    found = stop_often(name, photos, options.workdir, options.count, chance)
    print(f"{name}: {', '.join(f'{count} {what}' for what, count in found.items())}", flush=True)
    kinds = ("wrong status", "unknown", "halves", "different", "inputs changed")
    bad += sum(found[kind] for kind in kinds)
  sys.exit(f"{bad} faults" if bad else 0)


if __name__ == "__main__":
  main()
