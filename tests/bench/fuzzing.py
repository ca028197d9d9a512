"""Restores thousands of damaged files, and reports where deblock-restore misbehaves.

make fuzz COUNT=20000 SEED=0

Half of the files are damaged blindly (mutants.py), the others follow their format and are odd
(grammar.py). Worker processes read each mutant by both readers, and restore and write those that
can be read. An error must be an ImageError, a failure must leave no file, and no file may take 10 s
of CPU time or more memory than allowed. Prints the number of each outcome, and each offence with
the number that makes the mutant again.
"""

import argparse
import collections
import contextlib
import json
import os
import pathlib
import selectors
import subprocess
import sys
import tempfile
import time

import grammar
import mutants
import numpy as np

_CPU_SECONDS, _WALL_SECONDS = 10.0, 240.0
# Added for large images, without a network.
_CPU_SECONDS_PER_MEGAPIXEL = 4.0
_MAX_MEMORY_MIB = 512
# One mutant in so many is restored by a network; the others by `Light`.
_EVERY = 16


class Light:
  """A stand-in for a network: makes every pixel a little lighter, in tiles."""

  def parts(self, compressed, tables):
    """Yields the parts of the image, as `tiling.Tiled` does."""
    from deblock.model import tiling

    del tables
    for top in range(0, compressed.shape[0], 256):
      for left in range(0, compressed.shape[1], 256):
        window = compressed[top : top + 256, left : left + 256]
        yield tiling.Part(top, left, window / np.float32(255.0) + np.float32(0.02))


def _file(number, seed):
  """Returns the description and the bytes of a file."""
  make = grammar.generated if number % 2 else mutants.mutant
  return make(number // 2, seed)


def _status(name):
  for line in pathlib.Path("/proc/self/status").read_text().splitlines():
    if line.startswith(name):
      return int(line.split()[1]) / 1024
  raise KeyError(name)


def _try(number, seed, folder, networks):
  """Returns (outcome of a mutant, reason or offence), and leaves no file."""
  from deblock.launch.file_sets import outputs
  from deblock.launch.restoring import batch, restore_config
  from deblock.records.photos import formats, original, reading, results

  what, data = _file(number, seed)
  source, out = folder / "in", folder / "out"
  source.write_bytes(data)
  names = list(formats.FORMATS)
  chosen = names[number // 2 % len(names)]
  deep = formats.FORMATS[chosen].keeps_16_bits and number % 3 == 0
  config = restore_config.RestoreConfig(
    out=str(out), format=chosen, depth=16 if deep else 8, max_memory=_MAX_MEMORY_MIB
  )
  try:
    outputs.pixels(str(source))
    with contextlib.suppress(reading.ImageError):
      reading.decode_picture(data, "a", 2**24)
    try:
      original.decode(data, "a", 2**24)
      reason = ""
    except reading.ImageError as error:
      reason = f"refused: {error.reason}"
    job = outputs.Job(str(source), out / f"a{formats.FORMATS[config.format].suffix}")
    (outcome,) = batch.run([job], networks[number // 2 % _EVERY == 0], config)
  except Exception as error:
    return "offence", f"{what}: {type(error).__name__}: {error}"
  left = [path.name for path in out.rglob("*")] if out.exists() else []
  for name in left:
    (out / name).unlink()
  left = [name for name in left if name != results.NAME]
  restored = outcome.status == batch.RESTORED
  if left != ([job.target.name] if restored else []):
    return "offence", f"{what}: {outcome.status}, but left {left}"
  if restored:
    return "restored", str(outcome.pixels)
  if not outcome.detail:
    return "offence", f"{what}: failed without a reason"
  return ("refused" if reason else "failed later"), outcome.detail


def work(first, stop, seed):
  """Tries mutants and prints a line of JSON for each; a process of its own."""
  from deblock.launch.restoring import network

  networks = {False: Light(), True: network.load("fast", 64 * 2**20)}
  with tempfile.TemporaryDirectory() as name:
    print(json.dumps({"number": first - 1, "kind": "ready"}), flush=True)
    for number in range(first, stop):
      pathlib.Path("/proc/self/clear_refs").write_text("5")  # Forgets the peak.
      before, began = _status("VmRSS"), time.process_time()
      kind, detail = _try(number, seed, pathlib.Path(name), networks)
      seconds, grown = time.process_time() - began, _status("VmHWM") - before
      megapixels = int(detail) / 1e6 if kind == "restored" else 0.0
      most_seconds = _CPU_SECONDS + _CPU_SECONDS_PER_MEGAPIXEL * megapixels
      if kind != "offence" and (seconds > most_seconds or grown > _MAX_MEMORY_MIB):
        what, _ = _file(number, seed)
        kind, detail = "offence", f"{what}: {seconds:.1f} CPU-s, {grown:.0f} MiB"
      line = {"number": number, "kind": kind, "detail": detail, "seconds": seconds, "grown": grown}
      print(json.dumps(line), flush=True)


def _watched(first, stop, seed):
  """Yields the lines of workers, and an offence for each mutant that kills or hangs one."""
  while first < stop:
    process = subprocess.Popen(
      [sys.executable, __file__, f"--work={first},{stop}", f"--seed={seed}"],
      stdout=subprocess.PIPE,
      stderr=subprocess.DEVNULL,
      env={**os.environ, "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    with selectors.DefaultSelector() as selector:
      selector.register(process.stdout, selectors.EVENT_READ)
      offence = ""
      while selector.select(_WALL_SECONDS):
        # Each line is read whole, as it is written whole.
        text = process.stdout.readline()
        if not text:
          break
        line = json.loads(text)
        first = line["number"] + 1
        if line["kind"] != "ready":
          yield line
      else:
        offence = f"hangs for {_WALL_SECONDS:.0f} s"
        process.kill()
    code = process.wait()
    if first < stop:
      what, _ = _file(first, seed)
      detail = f"{what}: {offence or f'the process ended with status {code}'}"
      yield {"number": first, "kind": "offence", "detail": detail, "seconds": 0.0, "grown": 0.0}
      first += 1


def main():
  """Prints the outcomes; returns 1 if there was an offence, else 0."""
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument("--count", type=int, default=20000)
  parser.add_argument("--first", type=int, default=0, help="number of the first mutant")
  parser.add_argument("--seed", type=int, default=0)
  parser.add_argument("--work", help=argparse.SUPPRESS)
  arguments = parser.parse_args()
  if arguments.work:
    work(*(int(part) for part in arguments.work.split(",")), arguments.seed)
    return 0
  kinds, reasons = collections.Counter(), collections.Counter()
  seconds = grown = 0.0
  began = time.monotonic()
  for line in _watched(arguments.first, arguments.first + arguments.count, arguments.seed):
    kinds[line["kind"]] += 1
    seconds, grown = max(seconds, line["seconds"]), max(grown, line["grown"])
    if line["kind"] == "offence":
      print(f"offence {line['number']}: {line['detail']}", flush=True)
    else:
      reasons[line["kind"], "".join(c for c in line["detail"] if not c.isdigit())[:90]] += 1
    if sum(kinds.values()) % 1000 == 0:
      print(f"{sum(kinds.values())} mutants, {kinds['offence']} offences", flush=True)
  for (kind, reason), count in reasons.most_common(60):
    if kind != "restored":
      print(f"{kind} {count:>6}: {reason}")
  for kind in ("restored", "refused", "failed later", "offence"):
    print(f"{kind}: {kinds[kind]}")
  print(f"most CPU-seconds of one file: {seconds:.2f}")
  print(f"most memory of one file, MiB: {grown:.0f}")
  print(f"seconds in all: {time.monotonic() - began:.0f}")
  return int(kinds["offence"] > 0)


if __name__ == "__main__":
  sys.exit(main())
