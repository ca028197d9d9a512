"""Speed and size of every network, and PyTorch's speed with two of them.

make bench PART=networks TORCH=PYTHON

For each network: trained parameters, multiply-accumulates a pixel, growth of the process' memory,
and milliseconds (wall and CPU) to restore one 768x512 colour image with random weights, by the
restorer and by the bare compiled network. AR-CNN and DnCNN-3 (in colour) take turns with PyTorch in
plain and channels_last layout; the better layout counts. The same for a training step of 8 crops of
96x96 with L1 and Adam. Figures are medians of rounds; ratios are our time divided by PyTorch's.
Each network has a process of its own, one after the other.
"""

import argparse
import subprocess
import sys

import numpy as np
import ours
import rounds

from deblock.model import macs, restorer
from deblock.model.networks import registry

PEERS = ("arcnn", "dncnn3")
BATCH, SIDE = 8, 96
SLOW = 600e3  # Multiply-accumulates a pixel from which there is only one round.


def describe(taken):
  """Returns times as text."""
  return f"{1e3 * taken.wall:.0f} ms, {1e3 * taken.cpu:.0f} CPU-ms"


def torch_sides(peer, name, work, shape):
  """Returns PyTorch's two sides by name, none without a peer."""
  if peer is None:
    return {}
  return {
    layout: peer.side(network=name, work=work, shape=shape, layout=layout)
    for layout in rounds.LAYOUTS
  }


def measure(name, count, threads, torch):
  """Prints the lines of one network."""
  ours.set_threads(threads)
  network, entry = ours.build(name)
  work = macs.per_pixel(network, entry)
  print(f"{name}_parameters: {ours.parameters(network)}\n{name}_macs_per_pixel: {work:.0f}")
  peer = rounds.Peer(torch, threads) if torch and name in PEERS else None
  slow = work > SLOW and peer is None
  height, width = ours.SIZE
  restore = restorer.Restorer(network, entry, constant=True)
  pixels, tables = ours.image(height, width), np.full((2, 8, 8), 16.0)
  restore(pixels[:64, :64], tables)
  before = ours.peak_mib()
  if slow:
    found = {"restorer": rounds.here(lambda: restore(pixels, tables))()}
  else:
    restore(pixels, tables)
    print(f"{name}_memory_mib: {ours.peak_mib() - before:.0f}")
    sides = {"restorer": rounds.here(lambda: restore(pixels, tables))}
    if not entry.blockwise:
      margin = 2 * entry.consumed
      sides["bare"] = rounds.here(ours.bare(network, entry, height + margin, width + margin))
    sides |= torch_sides(peer, name, "inference", [1, height, width])
    found = rounds.medians(sides, count)
  for side, taken in found.items():
    print(f"{name}_inference_{side}: {describe(taken)}", flush=True)
  if slow:
    print(f"{name}_memory_mib: {ours.peak_mib() - before:.0f}")
  if peer:
    print(rounds.ratios(f"{name}_inference", found["bare"], rounds.best(found, rounds.LAYOUTS)))
    print(rounds.ratios(f"{name}_restorer", found["restorer"], rounds.best(found, rounds.LAYOUTS)))
    sides = {"step": rounds.here(ours.training(network, entry, BATCH, SIDE))}
    sides |= torch_sides(peer, name, "training", [BATCH, SIDE, SIDE])
    found = rounds.medians(sides, count)
    for side, taken in found.items():
      print(f"{name}_training_{side}: {describe(taken)}")
    print(rounds.ratios(f"{name}_training", found["step"], rounds.best(found, rounds.LAYOUTS)))


def main():
  """Measures every network, or the named ones."""
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument("--torch", default="", help="interpreter that has PyTorch")
  parser.add_argument("--networks", default=",".join(registry.names()))
  parser.add_argument("--rounds", type=int, default=5)
  parser.add_argument("--threads", type=int, default=2)
  parser.add_argument("--here", action="store_true", help="in this process; the first network")
  arguments = parser.parse_args()
  names = arguments.networks.split(",")
  if arguments.here:
    torch = arguments.torch if names[0] in PEERS else ""
    measure(names[0], arguments.rounds, arguments.threads, torch)
    return
  if not arguments.torch:
    print("TensorFlow alone: TORCH names no interpreter that has PyTorch.")
  for name in names:
    command = [sys.executable, __file__, "--here", f"--networks={name}", *passed_on(arguments)]
    subprocess.run(command, check=True, env=ours.environment())


def passed_on(arguments):
  """Returns the flags of the process that measures one network."""
  return [f"--{name}={getattr(arguments, name)}" for name in ("torch", "rounds", "threads")]


if __name__ == "__main__":
  main()
