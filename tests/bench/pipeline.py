"""The input pipeline against other loaders, by threads, over time, and beside a training loop.

make bench PART=pipeline IMAGES=FOLDER SUB='crops pairs scaling starving'

Compare figures of one run only. `crops` counts CPU-seconds, which other jobs do not change much;
`pairs`, `scaling` and `starving` go by the clock and need the machine for themselves.
"""

import argparse
import dataclasses
import gc
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys
import time

import loaders  # Beside this file.
import numpy as np
from PIL import Image
import tensorflow as tf
import waiting  # Beside this file.

from deblock.launch.pipeline_report import stage_times
from deblock.model.networks import registry
from deblock.pipeline import config as input_config
from deblock.pipeline import dataset
from deblock.records.jpeg import codec
from deblock.records.layout import manifest, schema, triple
from deblock.records.photos import reading
from deblock.records.planning import config as records_config
from deblock.records.sources import packaged
from deblock.records.writing import writer

SECONDS = 3.0  # A spell of each loader.
ROUNDS = 5
BATCHES_PER_CALL = 8
QUALITIES = "fbcnn"
MIB = 2**20


def cpu_seconds():
  """Returns the CPU time of all threads of this process, user and system."""
  usage = resource.getrusage(resource.RUSAGE_SELF)
  return usage.ru_utime + usage.ru_stime


def settings_of(**changes):
  """Returns settings for crops of 96x96, with changes."""
  values = {
    "crop_size": loaders.CROP,
    "batch_size": loaders.BATCH,
    "degradation": "online",
    "online_qualities": QUALITIES,
    **changes,
  }
  return input_config.InputConfig(**values)


def png_files(arguments):
  """Returns PNG files of the images: the loaders that are compared read the same ones."""
  folder = arguments.workdir / "png"
  shutil.rmtree(folder, ignore_errors=True)
  folder.mkdir(parents=True)
  if arguments.images:
    found = sorted(path for path in pathlib.Path(arguments.images).iterdir() if path.is_file())
  else:
    found = [pathlib.Path(image.path) for image in packaged.packaged()]
  made = []
  for path in found:
    made.append(folder / f"{path.stem}.png")
    Image.fromarray(reading.read_rgb(str(path))).save(made[-1])
  return made


def records_of(arguments, name, **changes):
  """Returns the manifest of records of the images, which it writes."""
  png_files(arguments)
  folder = arguments.workdir / name
  shutil.rmtree(folder, ignore_errors=True)
  values = {"images": str(arguments.workdir / "png"), "records": str(folder), "test_share": 0.0}
  if not arguments.images and changes.get("tile_size", 1):
    # Four photographs make 22 tiles, an epoch that is mostly opening files.
    values["stride"] = 32
  return writer.write(records_config.RecordsConfig(**{**values, "workers": 1, **changes}))


def stream(settings, made, floats=True):
  """Returns an endless iterator of batches, float32 in [0, 1], or uint8 as training takes them."""
  return iter(dataset.training_dataset(settings, made, seed=0, floats=floats))


def taker(iterator):
  """Returns a function that takes batches in a compiled loop, as training does: their number.

  A call of `next` in Python takes 200 microseconds, which do not count.
  """

  @tf.function
  def take(iterator):
    for _ in tf.range(BATCHES_PER_CALL):
      next(iterator)

  def taken():
    take(iterator)
    return BATCHES_PER_CALL

  return taken


def python_taker(batches):
  """Returns a function that takes one batch of a Python loader: their number, 1."""

  def taken():
    next(batches)
    return 1

  return taken


def crops(arguments):
  """Prints crops of 96x96 per CPU-second of every loader, taking turns."""
  print(loaders.codecs())
  paths = png_files(arguments)
  made = records_of(arguments, "records", qualities=(10, 20, 30, 40, 50, 60))
  pixels = [reading.read_rgb(str(path)) for path in paths]
  ours = {
    "libjpeg online, 32 crops a tile": {"crops_per_tile": 32},
    "libjpeg online, 16 crops a tile": {},
    "libjpeg online, 1 crop a tile": {"crops_per_tile": 1},
    "jpegsim online, 32 crops a tile": {"jpeg": "jpegsim", "crops_per_tile": 32},
    "jpegsim online, 1 crop a tile": {"jpeg": "jpegsim", "crops_per_tile": 1},
    "stored JPEGs, 32 crops a tile": {"degradation": "stored", "crops_per_tile": 32},
    "stored JPEGs, 1 crop a tile": {"degradation": "stored", "crops_per_tile": 1},
  }
  contenders = {name: taker(stream(settings_of(**changes), made)) for name, changes in ours.items()}
  as_bytes = "libjpeg online, 32 crops, bytes"
  contenders[as_bytes] = taker(stream(settings_of(crops_per_tile=32), made, floats=False))
  kair, bare, memory = "KAIR's dataset class", "bare libjpeg round trip", "images in memory, bytes"
  contenders |= {
    kair: python_taker(loaders.kair_batches(paths)),
    bare: python_taker(loaders.bare_batches(pixels)),
    memory: python_taker(loaders.memory_batches(pixels)),
  }
  times = turns(contenders, arguments.seconds)
  for name, time_us in times.items():
    print(
      f"crops of 96: {name:<32} {time_us:8.1f} CPU-us a crop, {1e6 / time_us:7.0f} per CPU-second, "
      f"{times[kair] / time_us:7.2f} of KAIR's, {times[bare] / time_us:5.2f} of bare libjpeg"
    )
  best = times[next(iter(ours))]
  print(f"ratio_vs_kair: {times[kair] / best:.1f}")
  print(f"ratio_vs_libjpeg: {times[bare] / best:.3f}")
  print(f"ratio_vs_memory: {times[memory] / times[as_bytes]:.3f} (bytes both)")
  print(f"ratio_vs_memory_in_floats: {times[memory] / best:.3f}")
  encode_us, decode_us = loaders.bare_split(pixels, arguments.seconds)
  print(f"bare libjpeg: encode {encode_us:.1f}, decode {decode_us:.1f} CPU-us a crop")
  for name, changes in ours.items():
    where(name, settings_of(**changes), made, arguments.seconds)


def turns(contenders, seconds):
  """Returns the CPU microseconds per crop of functions that take batches, which take turns.

  The median over rounds. A turn begins and ends with full buffers, so each contender pays for all
  the batches that it takes, whenever its threads make them.
  """
  for taken in contenders.values():
    taken()
  wait_until_idle()
  spent = {name: [] for name in contenders}
  for _ in range(ROUNDS):
    for name, taken in contenders.items():
      began, end, batches = cpu_seconds(), time.perf_counter() + seconds, 0
      while time.perf_counter() < end:
        batches += taken()
      wait_until_idle()
      spent[name].append(1e6 * (cpu_seconds() - began) / (batches * loaders.BATCH))
  return {name: statistics.median(times) for name, times in spent.items()}


def wait_until_idle():
  """Returns once the threads of this process have been idle for 0.3 s."""
  quiet = 0
  while quiet < 3:
    began = cpu_seconds()
    time.sleep(0.1)
    quiet = quiet + 1 if cpu_seconds() - began < 0.004 else 0


def where(name, settings, made, seconds):
  """Prints the CPU time that each stage adds, per crop."""
  stages = dataset.prefixes(settings, made, 0)
  *_, last = stages
  per_element = dict.fromkeys(stages, settings.crops_per_tile) | {last: settings.batch_size}
  added = stage_times.costs(stage_times.measure(stages, per_element, seconds))
  parts = ", ".join(f"{cost.name} {cost.cpu_microseconds:.1f}" for cost in added)
  print(f"where it goes, CPU-us a crop: {name}: {parts}", flush=True)


def rate_of(batches, batch_size, seconds):
  """Returns crops per second by the clock, after a second of warming up."""
  for spell in (1.0, seconds):
    began, count = time.perf_counter(), 0
    while time.perf_counter() - began < spell:
      next(batches)
      count += batch_size
    rate = count / (time.perf_counter() - began)
  return rate


def pairs(arguments):
  """Prints 24x24 neighbourhoods a second; BlockCNN predicts their central 8x8."""
  tiles = records_of(arguments, "records", qualities=(10, 20, 30, 40, 50, 60))
  whole = records_of(arguments, "whole", tile_size=0)
  small = {"crop_size": 24, "batch_size": 256, "mixed_tiles": 16}
  for name, made, changes in (
    ("stored, 1024 random ones a tile", tiles, {"degradation": "stored", "crops_per_tile": 1024}),
    ("stored, 128 random ones a tile", tiles, {"degradation": "stored", "crops_per_tile": 128}),
    ("libjpeg online, 128 a tile", tiles, {"crops_per_tile": 128}),
    ("every pair once an epoch", whole, {"degradation": "stored", "sampling": "pairs"}),
  ):
    batches = stream(settings_of(**{**small, **changes}), made)
    rate = rate_of(batches, small["batch_size"], arguments.seconds)
    print(f"pairs of 24 to 8: {name:<32} {rate:9.0f} per second on all cores", flush=True)
    del batches
    gc.collect()


def scaling(arguments):
  """Prints the speed of two threads against one, the memory over time, and the time to start."""
  made = records_of(arguments, "records", qualities=(25,))
  settings = settings_of()
  rates = {}
  for threads in (1, 2, 1, 2):
    batches = dataset.training_dataset(settings, made, 0)
    limited = iter(stage_times.limit_threads(batches, threads))
    rates.setdefault(threads, []).append(rate_of(limited, loaders.BATCH, arguments.seconds))
    del batches, limited
    gc.collect()
  one, two = max(rates[1]), max(rates[2])
  print(f"threads: 1 {one:.0f}, 2 {two:.0f} crops per second: {two / one:.2f} times as fast")

  batches = stream(settings, made, floats=False)
  began, marks = time.perf_counter(), []
  for tenth in range(11):
    marks.append(resident_mib())
    for _ in range(arguments.batches // 10 if tenth < 10 else 0):
      next(batches)
  print(
    f"memory over {arguments.batches} batches ({time.perf_counter() - began:.0f} s), MiB: "
    f"{', '.join(f'{mark:.0f}' for mark in marks)}; since the first tenth "
    f"{marks[-1] - marks[1]:+.0f}",
    flush=True,
  )
  folder = many_shards(arguments.workdir / "shards", arguments.shards, made)
  for _ in range(2):  # At the second time the files are in the system's cache.
    subprocess.run([sys.executable, __file__, str(folder), "--start"], check=True)


def resident_mib():
  """Returns the resident memory of this process; Linux only."""
  pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
  return pages * resource.getpagesize() / MIB


def many_shards(folder, count, made):
  """Fills a folder with shards of two small tiles each, and returns it."""
  shutil.rmtree(folder, ignore_errors=True)
  folder.mkdir(parents=True)
  rng, entries = np.random.default_rng(0), []
  for index in range(count):
    name = f"deblock-train.tfrecord-{index:05d}-of-{count:05d}"
    with tf.io.TFRecordWriter(str(folder / name)) as records:
      for tile in range(2):
        clean = rng.integers(0, 256, (loaders.CROP, loaders.CROP, 3), np.uint8)
        stream_of_tile = codec.encode(clean, 25)
        value = triple.PatchTriple(clean, (stream_of_tile,), (25,), f"{index}/{tile}/0")
        records.write(schema.to_example(value, "raw"))
    entries.append(manifest.ShardEntry(name, 2, (folder / name).stat().st_size))
  changed = dataclasses.replace(made, splits={"train": tuple(entries)}, folder=str(folder))
  manifest.save(str(folder), changed)
  return folder


def start(folder):
  """Prints the time from opening the records to the first batch; in a process of its own."""
  began, cpu = time.perf_counter(), cpu_seconds()
  made = manifest.load(folder)
  batches = dataset.training_dataset(settings_of(), made, seed=0, floats=False)
  built = time.perf_counter() - began
  next(iter(batches))
  print(
    f"start: first batch after {time.perf_counter() - began:.2f} s, {built:.2f} of them for the "
    f"graph, {cpu_seconds() - cpu:.2f} CPU-seconds, with {len(made.splits['train'])} shards "
    "(TensorFlow was loaded before)",
    flush=True,
  )


def starving(arguments):
  """Prints the share of its time that a training loop waits for batches.

  Beside it the same with one batch that is always ready: the floor of this measurement.
  """
  made = records_of(arguments, "records", qualities=(25,))
  sizes = {
    name: registry.build(registry.usual(name, width=16)).count_params() for name in registry.names()
  }
  for name in dict.fromkeys(("blockcnn", min(sizes, key=sizes.get))):
    for degradation in ("stored", "online"):
      settings = settings_of(crop_size=24, batch_size=32, degradation=degradation)
      batches = dataset.training_dataset(settings, made, seed=0, floats=False)
      one = tf.data.Dataset.from_tensors(next(iter(batches))).repeat()
      shares = []
      for source in (batches, one):
        waited, seconds, steps = waiting.training(
          name, source, settings.batch_size, arguments.seconds
        )
        shares.append(f"{waited / seconds:.2%} ({steps / seconds:.1f} steps per second)")
      print(
        f"starving: {name}, width 16 ({sizes[name]:,} parameters), {degradation}: waits for "
        f"batches {shares[0]} of its time; for one that is always there {shares[1]}",
        flush=True,
      )


PARTS = {part.__name__: part for part in (crops, pairs, scaling, starving)}


def main():
  """Runs the named parts, or all."""
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument("workdir", type=pathlib.Path)
  parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}")
  parser.add_argument("--images", help="folder of images; packaged photographs if not given")
  parser.add_argument("--seconds", type=float, default=SECONDS, help="of each measurement")
  parser.add_argument("--batches", type=int, default=100_000, help="over which memory is watched")
  parser.add_argument("--shards", type=int, default=1000, help="to start from")
  parser.add_argument("--start", action="store_true", help="measure starting from WORKDIR alone")
  arguments = parser.parse_args()
  if arguments.start:
    start(str(arguments.workdir))
    return
  if unknown := set(arguments.parts) - PARTS.keys():
    parser.error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
  arguments.workdir.mkdir(parents=True, exist_ok=True)
  # Each loader has its own compiled loop, which TensorFlow takes for one that is compiled again.
  tf.get_logger().setLevel("ERROR")
  for name in arguments.parts or PARTS:
    PARTS[name](arguments)


if __name__ == "__main__":
  main()
