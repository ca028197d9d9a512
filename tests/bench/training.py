"""Training steps against PyTorch, the cost of the loop around the step, and its memory.

make bench PART=training TORCH=PYTHON SUB='steps overhead memory'

- steps: steps a second with batches of 16 crops of 96x96, by launch/training/step.py, in turns with
  the same network, loss and optimiser in PyTorch in its two layouts; the better one counts. The
  ratios are our steps a second divided by PyTorch's.
- overhead: seconds a step of launch/training/loop.py, with input pipeline and log but without
  evaluation, divided by those of the compiled step on one prepared batch, in turns.
- memory: resident memory in the last tenth of 10,000 steps divided by that in the first.
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np
import ours
import rounds

from deblock.launch.settings import train as train_settings
from deblock.launch.training import loop

PARTS = ("steps", "overhead", "memory")
NETWORKS = ("dncnn3", "blockcnn", "deblocknet", "deblocknet_fast")
BATCH, SIDE = 16, 96
MEMORY_STEPS = 10_000


def steps(networks, peer, count):
  """Prints steps a second of each network, and PyTorch's."""
  for name in networks:
    network, entry = ours.build(name)
    sides = {"ours": rounds.here(ours.training(network, entry, BATCH, SIDE))}
    shape = [BATCH, SIDE, SIDE]
    if peer:
      for layout in rounds.LAYOUTS:
        sides[layout] = peer.side(network=name, work="training", shape=shape, layout=layout)
    found = rounds.medians(sides, count)
    for side, taken in found.items():
      print(
        f"{name}_steps_per_s_{side}: {1 / taken.wall:.3f} ({1 / taken.cpu:.3f} a CPU-second)",
        flush=True,
      )
    if peer:
      answer = peer.ask(network=name, work="training", shape=shape, layout=rounds.LAYOUTS[0])
      if answer["parameters"] != ours.parameters(network):
        raise RuntimeError(f"{name} has {ours.parameters(network)} parameters, PyTorch's {answer}.")
      theirs = rounds.best(found, rounds.LAYOUTS)
      print(f"ratio_{name}_training: {theirs.wall / found['ours'].wall:.3f}")
      print(f"ratio_{name}_training_cpu: {theirs.cpu / found['ours'].cpu:.3f}", flush=True)


class Clock:
  """The loop's clock, which records when it was read: before and after each call of the steps."""

  def __init__(self):
    self.times = []

  def __call__(self):
    """Returns seconds."""
    self.times.append((time.perf_counter(), time.process_time(), resident_mib()))
    return self.times[-1][0]


def resident_mib():
  """Returns the process' resident memory, in MiB."""
  pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
  return pages * 4096 / 2**20


def looped(records, network, count, side, batch, per_call, width=0):
  """Returns the times of a run of the whole loop."""
  clock = Clock()
  with tempfile.TemporaryDirectory() as folder:
    run = train_settings.run_of(
      {
        "model": network,
        "width": width,
        "records": str(records),
        "crop_size": side,
        "batch_size": batch,
        "degradation": "online",
        "logdir": folder,
        "max_steps": count,
        "steps_per_call": per_call,
        "log_every_steps": 5 * per_call,
        "evaluate_every_steps": 0,
        "checkpoint_every_steps": count,
      }
    )
    loop.train(run, clock)
  return clock.times


def overhead(records, network, count):
  """Prints the loop's time a step, divided by the bare step's."""
  per_call = train_settings.TrainConfig().steps_per_call
  built, entry = ours.build(network)
  bare = rounds.here(ours.training(built, entry, BATCH, SIDE, per_call))
  bare()
  found = {"bare": [], "loop": []}
  for _ in range(count):
    found["bare"].append(np.mean([bare() for _ in range(5)], axis=0) / per_call)
    times = looped(records, network, 10 * per_call, SIDE, BATCH, per_call)
    # The mean from the end of the first call, which compiles, to the end of the last: only some of
    # the calls are followed by the log.
    ends = np.array(times)[1::2, :2]
    found["loop"].append((ends[-1] - ends[0]) / (len(ends) - 1) / per_call)
  medians = {side: np.median(values, axis=0) for side, values in found.items()}
  for side, (wall, cpu) in medians.items():
    print(f"{network}_{side}_ms_per_step: {1e3 * wall:.1f} ({1e3 * cpu:.1f} CPU-ms)")
  wall, cpu = medians["loop"] / medians["bare"] - 1.0
  print(f"loop_overhead_percent: {100 * wall:.2f}\nloop_overhead_percent_cpu: {100 * cpu:.2f}")


def memory(records):
  """Prints how resident memory grows over many steps of a tiny network."""
  times = looped(records, "arcnn", MEMORY_STEPS, 24, 8, 10, width=4)
  resident = np.array(times)[1::2, 2]
  tenth = len(resident) // 10
  first, last = resident[:tenth].mean(), resident[-tenth:].mean()
  print(f"memory_first_tenth_mib: {first:.1f}\nmemory_last_tenth_mib: {last:.1f}")
  print(f"memory_growth_percent: {100 * (last / first - 1):.2f}")


def write_records(workdir):
  """Returns the folder of records of the photographs that scikit-image packages."""
  records = workdir / "records"
  command = [sys.executable, "-m", "deblock.launch.build_records", f"--records={records}"]
  subprocess.run([*command, "--qualities=25", "--source="], check=True)
  return records


def main():
  """Measures the named parts, or all."""
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument("workdir", type=pathlib.Path)
  parser.add_argument("parts", nargs="*", help=", ".join(PARTS))
  parser.add_argument("--torch", default="", help="interpreter that has PyTorch")
  parser.add_argument("--networks", default=",".join(NETWORKS))
  parser.add_argument("--rounds", type=int, default=5)
  parser.add_argument("--threads", type=int, default=2)
  parser.add_argument("--here", action="store_true", help="in this process; the first part")
  arguments = parser.parse_args()
  parts = arguments.parts or PARTS
  unknown = sorted(set(parts) - set(PARTS))
  if unknown:
    parser.error(f"no part is named {', '.join(unknown)}; there are {', '.join(PARTS)}")
  networks = arguments.networks.split(",")
  if not arguments.here:
    for part in parts:  # Each in a process of its own, which computes as the programs do.
      flags = [f"--{name}={getattr(arguments, name)}"
               for name in ("torch", "networks", "rounds", "threads")]  # fmt: skip
      command = [sys.executable, __file__, str(arguments.workdir), part, "--here", *flags]
      subprocess.run(command, check=True, env=ours.environment())
    return
  ours.set_threads(arguments.threads)
  if parts[0] == "steps":
    if not arguments.torch:
      print("TensorFlow alone: TORCH names no interpreter that has PyTorch.")
    peer = rounds.Peer(arguments.torch, arguments.threads) if arguments.torch else None
    steps(networks, peer, arguments.rounds)
  elif parts[0] == "overhead":
    overhead(write_records(arguments.workdir), networks[-1], arguments.rounds)
  else:
    memory(write_records(arguments.workdir))


if __name__ == "__main__":
  main()
