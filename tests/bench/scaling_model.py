"""The time of training on many GPUs, computed on paper: the tables of docs/scaling.md.

scaling_model.py [--step_ms=5.95] [--parameters=473452] [--gpu_crops=32]

Running it measures nothing. Each constant says whether it is a measurement of this project, a
published figure or an assumption. A test keeps the page's tables equal to this file's output.
"""

import argparse
import dataclasses

MICRO = 1e-6


@dataclasses.dataclass(frozen=True)
class Link:
  """A link between two GPUs.

  Attributes:
    name: its name in the tables.
    bandwidth: bytes a second in one direction, published.
    latency: seconds of the smallest message, assumed.
  """

  name: str
  bandwidth: float
  latency: float


NVLINK = Link("NVLink 4", 450e9, 5 * MICRO)
PCIE = Link("PCIe 5.0 x16", 64e9, 10 * MICRO)
ETHERNET_100 = Link("100 Gbit Ethernet", 12.5e9, 50 * MICRO)
ETHERNET_25 = Link("25 Gbit Ethernet", 3.125e9, 50 * MICRO)
LINKS = (NVLINK, PCIE, ETHERNET_100, ETHERNET_25)

# Measured: 160 to 177 steps of 32 crops of 128x128 a second on one H100 (docs/training.md).
STEP_MS = 1e3 / 168
PARAMETERS = 473_452
GPU_CROPS, CROP = 32, 128
# One of all gradients, and one of the loss and the errors of a step.
COLLECTIVES = 2
# Measured: crops of 96x96 a second of one core (docs/figures.md, the input pipeline).
PIPELINE = {
  "online, libjpeg, 32 crops a tile": 6_434,
  "online, libjpeg, 16 crops a tile": 5_620,
  "online, jpegsim, 32 crops a tile": 4_369,
  "stored JPEGs, 32 crops a tile": 11_026,
}
MEASURED_CROP = 96
# Measured: bytes of a record of a raw tile of 256x256 with one JPEG (docs/figures.md, records).
RECORD_BYTES = 198 * 1024
CROPS_PER_TILE = 16


def ring(size_bytes: float, workers: int, link: Link) -> float:
  """Returns the seconds of an all-reduce in a ring, 2 (n - 1) messages of 1/n of the bytes.

  Patarasuk and Yuan 2009, "Bandwidth optimal all-reduce algorithms for clusters of workstations".

  Args:
    size_bytes: bytes to sum.
    workers: number of workers.
    link: the link between neighbours.
  """
  return 2 * (workers - 1) * (size_bytes / workers / link.bandwidth + link.latency)


def two_levels(size_bytes: float, gpus: int, hosts: int, inner: Link, outer: Link) -> float:
  """Returns the seconds of a sum within hosts, then between them, then back within.

  Each host sums in a ring that leaves each GPU its part; the parts go between hosts in rings of
  their own, which share the host's one network card; then each GPU hands its part round.

  Args:
    size_bytes: bytes to sum.
    gpus: number of GPUs of each host.
    hosts: number of hosts.
    inner: link within a host.
    outer: link between hosts.
  """
  return ring(size_bytes, gpus, inner) + ring(size_bytes, hosts, outer)


def efficiency(step: float, communication: float, overlapped: bool = False) -> float:
  """Returns the share of time spent on computing, for a batch of the same size on each GPU.

  Args:
    step: seconds that one GPU computes.
    communication: seconds of the sums of a step.
    overlapped: whether the sums run while the GPU computes.
  """
  return step / (max(step, communication) if overlapped else step + communication)


def cores(crops: float, rate: float, crop: int = CROP) -> float:
  """Returns the number of cores that make a number of crops a second.

  Args:
    crops: crops a second.
    rate: crops of MEASURED_CROP a second of one core; the work is assumed to grow with the pixels.
    crop: side of the crops.
  """
  return crops / (rate * MEASURED_CROP**2 / crop**2)


def communication_rows(step: float, parameters: int):
  """Yields for each way to connect GPUs its name, seconds, and both efficiencies."""
  size = 4.0 * parameters
  # The second sum is three numbers: all latency.
  small = 12.0
  for link in LINKS:
    seconds = ring(size, 8, link) + (COLLECTIVES - 1) * ring(small, 8, link)
    yield f"8 GPUs, {link.name}", seconds, *_both(step, seconds)
  for outer in (ETHERNET_100, ETHERNET_25):
    seconds = two_levels(size, 8, 8, NVLINK, outer)
    seconds += (COLLECTIVES - 1) * two_levels(small, 8, 8, NVLINK, outer)
    yield f"8x8, NVLink 4 and {outer.name}", seconds, *_both(step, seconds)
    seconds = ring(size, 64, outer) + (COLLECTIVES - 1) * ring(small, 64, outer)
    yield f"8x8, one ring of 64, {outer.name}", seconds, *_both(step, seconds)


def _both(step, seconds):
  return efficiency(step, seconds), efficiency(step, seconds, overlapped=True)


def input_rows(crops: float):
  """Yields for each kind of input its name, measured rate, the cores for these crops a second."""
  for name, rate in PIPELINE.items():
    yield name, rate, cores(crops, rate)


def tables(step_ms: float = STEP_MS, parameters: int = PARAMETERS, gpu_crops: int = GPU_CROPS):
  """Returns the page's tables as Markdown.

  Args:
    step_ms: time of a step of one GPU.
    parameters: number of parameters, each float32.
    gpu_crops: crops of CROP pixels a side on each GPU in a step.
  """
  step = step_ms / 1e3
  lines = [
    "| GPUs and links | sums, ms | efficiency | if overlapped |",
    "|---|---|---|---|",
  ]
  for name, seconds, plain, overlapped in communication_rows(step, parameters):
    lines.append(f"| {name} | {1e3 * seconds:.2f} | {plain:.1%} | {overlapped:.1%} |")
  rate = gpu_crops / step
  pair_bytes = 2 * CROP * CROP * 3
  lines += ["", "| | one GPU | a host of 8 | 8x8 |", "|---|---|---|---|"]
  for name, value, digits in (
    ("crops a second", rate, 0),
    ("pairs as bytes, MB/s", rate * pair_bytes / 1e6, 0),
    ("pairs as float32, MB/s", 4 * rate * pair_bytes / 1e6, 0),
    (f"records read, {CROPS_PER_TILE} crops a tile, MB/s", _read(rate), 0),
  ):
    cells = (f"{gpus * value:,.{digits}f}" for gpus in (1, 8, 64))
    lines.append(f"| {name} | {' | '.join(cells)} |")
  lines += ["", "| input | measured, 96x96 | cores a GPU | a host of 8 |", "|---|---|---|---|"]
  for name, measured, needed in input_rows(rate):
    lines.append(f"| {name} | {measured:,} | {needed:.1f} | {8 * needed:.1f} |")
  return "\n".join(lines)


def _read(crops):
  return crops / CROPS_PER_TILE * RECORD_BYTES / 1e6


def main():
  """Prints the tables."""
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument("--step_ms", type=float, default=STEP_MS)
  parser.add_argument("--parameters", type=int, default=PARAMETERS)
  parser.add_argument("--gpu_crops", type=int, default=GPU_CROPS)
  print(tables(**vars(parser.parse_args())))


if __name__ == "__main__":
  main()
