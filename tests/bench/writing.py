"""The writer of records against a plain loop, by workers, by size and by number of images.

make bench PART=records SUB='throughput workers memory growth planning encodings'

The images are turned and shifted copies of the photographs in scikit-image, each with other pixels.
"""

import argparse
import functools
import pathlib
import resource
import shutil
import subprocess
import sys
import time

import numpy as np
from PIL import Image
import tensorflow as tf

from deblock.pipeline import config as input_config
from deblock.pipeline import dataset
from deblock.records.layout import schema
from deblock.records.photos import reading
from deblock.records.planning import config as config_lib
from deblock.records.planning import cutting, plan
from deblock.records.sources import opening, packaged, source_image
from deblock.records.writing import shard, writer

MIB = 2**20


@functools.cache
def photograph():
  """Returns the largest packaged photograph, uint8 [H, W, 3]."""
  return max((reading.read_rgb(image.path) for image in packaged.packaged()), key=np.size)


def variant(number, height, width):
  """Returns an image of that size whose pixels no other number has."""
  base = np.rot90(photograph(), number % 4)
  base = base[:, ::-1] if number % 8 > 3 else base
  rows = (np.arange(height) + 37 * number) % base.shape[0]
  columns = (np.arange(width) + 53 * number) % base.shape[1]
  made = base[rows[:, np.newaxis], columns]
  made[0, 0] = (number % 256, number // 256 % 256, number // 65536)
  return made


def write_images(folder, count, height, width, suffix="png"):
  """Fills a folder with that many images, unless they exist, and returns its name."""
  folder.mkdir(parents=True, exist_ok=True)
  for number in range(count):
    path = folder / f"{number:06d}.{suffix}"
    if not path.exists():
      options = {"compress_level": 1} if suffix == "png" else {}
      Image.fromarray(variant(number, height, width)).save(path, **options)
  return str(folder)


def plain_loop(config, path):
  """Does the writer's work in a plain loop: read, cut, compress, serialise, write."""
  source = opening.open_source(**config.source_options)
  with tf.io.TFRecordWriter(str(path)) as records:
    for image, found in source.read(source.list()):
      for value in cutting.make_triples(image.id, found.pixels, config):
        records.write(schema.to_example(value, config.clean_encoding))


def fresh(workdir):
  """Returns the path of a folder that does not exist, to write to."""
  shutil.rmtree(workdir / "out", ignore_errors=True)
  return str(workdir / "out")


def timed(function):
  """Returns (wall seconds, CPU seconds of this process) of a call."""
  wall, cpu = time.perf_counter(), time.process_time()
  function()
  return time.perf_counter() - wall, time.process_time() - cpu


def throughput(workdir):
  """Prints the writer's speed in one process beside the plain loop's, alternating."""
  count = 800
  folder = write_images(workdir / "some", count, 512, 768)
  for encoding, qualities in (("raw", (25,)), ("raw", (10, 20, 30, 40)), ("png", (25,))):
    settings = {
      "images": folder,
      "qualities": qualities,
      "clean_encoding": encoding,
      "test_share": 0.0,
    }
    loop, ours = [], []
    for _ in range(2):
      config = config_lib.RecordsConfig(records=fresh(workdir), workers=1, **settings)
      loop.append(timed(lambda config=config: plain_loop(config, workdir / "plain"))[1])
      ours.append(timed(lambda config=config: writer.write(config))[1])
    print(
      f"throughput, clean {encoding}, {len(qualities)} qualities: plain loop "
      f"{1e3 * min(loop) / count:.1f} CPU-ms an image, writer {1e3 * min(ours) / count:.1f}: "
      f"{min(loop) / min(ours):.2f} of its speed",
      flush=True,
    )


def workers(workdir):
  """Prints the time of two jobs by one worker and by two, from the command line to its end."""
  folder = write_images(workdir / "many", 2400, 512, 768)
  jobs = {
    "raw tiles of 2400 images": (f"--images={folder}",),
    # Ten times the work for each image, so that the start of the workers hardly counts.
    "overlapping PNG tiles of 1000 images": (
      f"--images={folder}/000*.png", "--clean_encoding=png", "--stride=128",
    ),
  }  # fmt: skip
  shared = ("--qualities=10,20,30,40", "--shards=48", "--test_share=0")
  for job, flags in jobs.items():
    seconds = {}
    for count in (1, 2):
      command = ("-m", "deblock.launch.build_records", f"--records={fresh(workdir)}")
      began = time.perf_counter()
      subprocess.run(
        [sys.executable, *command, *flags, *shared, f"--workers={count}"],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
      )
      seconds[count] = time.perf_counter() - began
    print(
      f"workers, {job}: one {seconds[1]:.0f} s, two {seconds[2]:.0f} s: "
      f"{seconds[1] / seconds[2]:.2f} times as fast",
      flush=True,
    )


class SyntheticSource:
  """Large images with ids of their own that are made when they are read."""

  def __init__(self, side):
    self._side = side

  def read(self, wanted):
    """Yields each image with its pixels, made up from its number."""
    for image in wanted:
      yield image, reading.Picture(variant(int(image.id), self._side, self._side), "")


def memory_of(workdir, gigabytes):
  """Prints the peak memory of this process above what it had before, writing one shard."""
  side = 2048
  count = int(gigabytes * 1e9 / (3 * side**2))
  names = [f"{number:06d}" for number in range(count)]
  one = plan.ShardPlan("train", 0, 1, tuple(source_image.SourceImage.alone(n, n) for n in names))
  config = config_lib.RecordsConfig(records=fresh(workdir), tiles_per_image=8, test_share=0.0)
  (pathlib.Path(config.records) / shard.SIDECARS).mkdir(parents=True)
  shard.opening.open_source = lambda **_: SyntheticSource(side)
  tiny = plan.ShardPlan("test", 0, 1, one.images[:1])
  shard.write_shard(tiny, config, config.records)
  before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
  result = shard.write_shard(one, config, config.records)
  after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
  print(
    f"memory: {gigabytes:g} GB of images ({count} of {side}x{side}) into one shard of "
    f"{result.shard.size_bytes / MIB:.0f} MiB: peak {(after - before) / 1024:.0f} MiB above the "
    f"{before / 1024:.0f} MiB after one image",
    flush=True,
  )


def memory(workdir):
  """Prints the peak memory of a worker for little and for much data, each in a new process."""
  for gigabytes in ("1", "20"):
    command = [sys.executable, __file__, str(workdir), "--gigabytes", gigabytes]
    subprocess.run(command, check=True)


def growth(workdir):
  """Prints the time per image for more and more small images, including the listing."""
  before = None
  for count in (100, 1_000, 10_000, 100_000):
    folder = write_images(workdir / f"small-{count}", count, 64, 64)
    config = config_lib.RecordsConfig(
      images=folder, records=fresh(workdir), tile_size=64, test_share=0.0, workers=1
    )
    seconds, _ = timed(lambda config=config: writer.write(config))
    line = (
      f"growth: {count} images of 64x64 in {seconds:.1f} s, {1e3 * seconds / count:.2f} ms each"
    )
    if before:
      marginal = (seconds - before[1]) / (count - before[0])
      line += f", {1e3 * marginal:.2f} ms for each beyond {before[0]}"
    print(line, flush=True)
    before = count, seconds


def planning(workdir):
  """Prints the cost of the plan alone, for up to ten million names."""
  del workdir
  for count in (100_000, 1_000_000, 10_000_000):
    began = time.perf_counter()
    named = tuple(
      source_image.SourceImage.alone(f"{n // 1000:05d}/{n:08d}.jpg", f"/d/{n}")
      for n in range(count)
    )
    listed = time.perf_counter()
    splits = plan.assign_splits(named, 0.2)
    made = plan.make_plan(named, splits, {"train": 8192, "test": 2048})
    seconds = time.perf_counter() - listed
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
      f"planning: {count} identities in {seconds:.1f} s ({1e6 * seconds / count:.2f} us each; "
      f"making the names took {listed - began:.1f} s), {len(made.shards)} shards, "
      f"peak {peak:.0f} MiB",
      flush=True,
    )


def encodings(workdir):
  """Prints the cost of raw and PNG clean tiles: bytes stored, and reading by the pipeline."""
  folder = write_images(workdir / "photographs", 200, 512, 768)
  for encoding in ("raw", "png"):
    config = config_lib.RecordsConfig(
      images=folder, records=fresh(workdir), clean_encoding=encoding, test_share=0.0, workers=1
    )
    made = writer.write(config)
    size = sum(entry.size_bytes for entry in made.splits["train"]) / made.count("train")
    line = f"clean {encoding}: {size / 1024:.0f} KiB a tile of 256x256 with a JPEG"
    for crop_size, crops_per_tile in ((24, 16), (96, 16), (96, 1)):
      settings = input_config.InputConfig(
        crop_size=crop_size, batch_size=32, crops_per_tile=crops_per_tile
      )
      batches = iter(dataset.training_dataset(settings, made, seed=0))
      next(batches)
      began, cpu, count = time.perf_counter(), time.process_time(), 0
      while time.perf_counter() - began < 8:
        next(batches)
        count += 32
      cpu = time.process_time() - cpu
      line += f"; {count / cpu:.0f} crops of {crop_size} ({crops_per_tile} a tile) per CPU-s"
    print(line, flush=True)


PARTS = {part.__name__: part for part in (throughput, workers, memory, growth, planning, encodings)}


def main():
  """Runs the named parts, or all."""
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument("workdir", type=pathlib.Path)
  parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}")
  parser.add_argument("--gigabytes", type=float, help="measure memory in this process")
  arguments = parser.parse_args()
  if unknown := set(arguments.parts) - PARTS.keys():
    parser.error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
  arguments.workdir.mkdir(parents=True, exist_ok=True)
  if arguments.gigabytes:
    memory_of(arguments.workdir, arguments.gigabytes)
    return
  for name in arguments.parts or PARTS:
    PARTS[name](arguments.workdir)


if __name__ == "__main__":
  main()
