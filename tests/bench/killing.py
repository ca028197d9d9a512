"""Kills a writer of records at random moments and shows that nothing is lost or done twice.

python tests/bench/killing.py WORKDIR [--kills=20] [--seed=0]; run by `make bench-records`.

A job of two workers is started, killed with SIGKILL (all of its processes) after a random time, and
started again, until it has been killed so often; then it may finish. Meanwhile nothing but whole
shards may be seen, a finished shard must never change again, and in the end every byte must be that
of a job that nobody disturbed.
"""

import argparse
import hashlib
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import time

import tensorflow as tf
import writing

WAIT_SECONDS = 600


def start(folder, out):
  """Starts a job in a process group of its own."""
  command = (
    "-m", "deblock.launch.build_records", f"--images={folder}", f"--records={out}", "--shards=24",
    "--workers=2", "--qualities=10,50",
  )  # fmt: skip
  return subprocess.Popen(
    [sys.executable, *command],
    start_new_session=True,
    stdout=subprocess.DEVNULL,
    stderr=subprocess.DEVNULL,
  )


def shards(out):
  """Returns the digest and modification time of each file that a reader would take for a shard."""
  return {
    path.name: (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
    for path in sorted(out.glob("deblock-*"))
  }


def count_records(path):
  """Returns the number of records of a shard; raises if one is damaged."""
  return sum(1 for _ in tf.data.TFRecordDataset(str(path)))


def main():
  """Prints a line for each kill, and ends with an error if anything was lost or done twice."""
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument("workdir", type=pathlib.Path)
  parser.add_argument("--kills", type=int, default=20)
  parser.add_argument("--seed", type=int, default=0)
  arguments = parser.parse_args()
  folder = writing.write_images(arguments.workdir / "photographs", 200, 512, 768)
  expected, out = arguments.workdir / "expected", arguments.workdir / "killed"
  for place in (expected, out):
    shutil.rmtree(place, ignore_errors=True)
  began = time.monotonic()
  job = start(folder, expected)
  if job.wait(WAIT_SECONDS):
    sys.exit("the undisturbed job failed")
  whole_seconds = time.monotonic() - began
  draw = random.Random(arguments.seed)
  seen = {}
  for kill in range(1, arguments.kills + 1):
    job = start(folder, out)
    time.sleep(draw.uniform(0, whole_seconds))
    ended = job.poll() is not None
    if not ended:
      os.killpg(job.pid, signal.SIGKILL)
      job.wait()
    found = shards(out) if out.exists() else {}
    for name, facts in seen.items():
      if found.get(name) != facts:
        sys.exit(f"{name} was finished before kill {kill} and has been made again or lost")
    for name in found.keys() - seen.keys():
      count_records(out / name)
    print(
      f"kill {kill}: {'had ended' if ended else 'killed'} with {len(found)} of "
      f"{len(shards(expected))} shards, {len(found.keys() - seen.keys())} of them new",
      flush=True,
    )
    seen = found
  job = start(folder, out)
  if job.wait(WAIT_SECONDS):
    sys.exit("the job failed after the last kill")
  same = {name: digest for name, (digest, _) in shards(out).items()} == {
    name: digest for name, (digest, _) in shards(expected).items()
  }
  manifests = [(place / "manifest.json").read_bytes() for place in (expected, out)]
  if not same or manifests[0] != manifests[1]:
    sys.exit("the bytes are not those of the undisturbed job")
  print(f"killed {arguments.kills} times: all shards and the manifest have the same bytes")


if __name__ == "__main__":
  main()
