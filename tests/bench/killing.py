"""Kills a writer of records at random moments, and checks that nothing is lost or done twice.

make bench PART=records-kills

Starts a job of two workers, kills all of its processes with SIGKILL after a random time, and starts
it again until it finishes; then a new job, until there were 20 kills. Readers must see only whole
shards, a finished shard must never change, and the result must equal that of an undisturbed job
byte by byte.
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
  seen: dict[str, tuple[str, int]] = {}
  kills = rounds = 0
  while kills < arguments.kills:
    job = start(folder, out)
    time.sleep(draw.uniform(0, whole_seconds))
    if job.poll() is None:
      os.killpg(job.pid, signal.SIGKILL)
      job.wait()
      kills += 1
      seen = check_what_is_left(out, seen, kills)
    else:
      # The job ended in spite of the kills: check it, and start a new one.
      check_result(expected, out, job)
      shutil.rmtree(out)
      seen, rounds = {}, rounds + 1
  job = start(folder, out)
  job.wait(WAIT_SECONDS)
  check_result(expected, out, job)
  print(
    f"killed {kills} times in {rounds + 1} jobs: every job ended with the bytes of the undisturbed "
    "one, and no finished shard was written again"
  )


def check_what_is_left(out, seen, kill):
  """Returns the shards after a kill; exits if one is damaged, lost or was written again."""
  found = shards(out) if out.exists() else {}
  for name, facts in seen.items():
    if found.get(name) != facts:
      sys.exit(f"{name} was finished before kill {kill} and was written again or lost")
  new = found.keys() - seen.keys()
  for name in new:
    count_records(out / name)
  print(f"kill {kill}: {len(found)} shards are finished, {len(new)} of them new", flush=True)
  return found


def check_result(expected, out, job):
  """Exits unless a job succeeded with the bytes of the undisturbed one."""
  if job.returncode:
    sys.exit(f"a job that was not killed ended with status {job.returncode}")
  digests = [
    {name: digest for name, (digest, _) in shards(place).items()} for place in (expected, out)
  ]
  manifests = [(place / "manifest.json").read_bytes() for place in (expected, out)]
  if digests[0] != digests[1] or manifests[0] != manifests[1]:
    sys.exit("the bytes are not those of the undisturbed job")


if __name__ == "__main__":
  main()
