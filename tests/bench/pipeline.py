"""The input pipeline against other loaders, by threads, over time, and beside a training loop.

python tests/bench/pipeline.py WORKDIR [PART ...] [--images=FOLDER]; run by `make bench-pipeline`.
Compare figures of one run only. Speeds in CPU-seconds stand on a machine that others use too;
`pairs`, `scaling` and `starving` go by the clock and want it for themselves.
"""

import argparse
import dataclasses
import gc
import pathlib
import resource
import shutil
import subprocess
import sys
import time

import keras
import loaders  # Beside this file.
import numpy as np
from PIL import Image
import tensorflow as tf

from deblock.launch import config as run_config
from deblock.launch import stage_times, step, strategy
from deblock.model import config as model_config
from deblock.model import losses, registry
from deblock.pipeline import config as input_config
from deblock.pipeline import dataset
from deblock.records import codec, images, manifest, packaged, schema, triple, writer
from deblock.records import config as records_config

SECONDS = 3.0  # A spell of each loader.
ROUNDS = 4
QUALITIES = "fbcnn"
MIB = 2**20


def cpu_seconds():
  """Returns the CPU time of all threads of this process, in the system's calls too."""
  usage = resource.getrusage(resource.RUSAGE_SELF)
  return usage.ru_utime + usage.ru_stime


def settings_of(**changes):
  """Returns how the pipeline is asked for crops of 96x96 unless something else is said."""
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
    Image.fromarray(images.read_rgb(str(path))).save(made[-1])
  return made


def records_of(arguments, name, **changes):
  """Returns the manifest of records of the images, which it writes."""
  png_files(arguments)
  folder = arguments.workdir / name
  shutil.rmtree(folder, ignore_errors=True)
  values = {"images": str(arguments.workdir / "png"), "records": str(folder), "test_share": 0.0}
  if not arguments.images and changes.get("tile_size", 1):
    # Of four photographs there are 22 tiles: an epoch so short is mostly opening files.
    values["stride"] = 32
  return writer.write(records_config.RecordsConfig(**{**values, "workers": 1, **changes}))


def stream(settings, made):
  """Returns an endless iterator of batches, float32 in [0, 1]."""
  return iter(dataset.training_dataset(settings, made, seed=0))


def crops(arguments):
  """Prints crops of 96x96 per CPU-second of every loader, taking turns."""
  print(loaders.codecs())
  paths = png_files(arguments)
  made = records_of(arguments, "records", qualities=(10, 20, 30, 40, 50, 60))
  pixels = [images.read_rgb(str(path)) for path in paths]
  ours = {
    "libjpeg online, 32 crops a tile": {"crops_per_tile": 32},
    "libjpeg online, 16 crops a tile": {},
    "libjpeg online, 1 crop a tile": {"crops_per_tile": 1},
    "jpegsim online, 32 crops a tile": {"jpeg": "jpegsim", "crops_per_tile": 32},
    "jpegsim online, 1 crop a tile": {"jpeg": "jpegsim", "crops_per_tile": 1},
    "stored JPEGs, 32 crops a tile": {"degradation": "stored", "crops_per_tile": 32},
    "stored JPEGs, 1 crop a tile": {"degradation": "stored", "crops_per_tile": 1},
  }
  contenders = {name: stream(settings_of(**changes), made) for name, changes in ours.items()}
  kair, bare, memory = "KAIR's dataset class", "bare libjpeg round trip", "images in memory, uint8"
  contenders |= {
    kair: loaders.kair_batches(paths),
    bare: loaders.bare_batches(pixels),
    memory: loaders.memory_batches(pixels),
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
  print(f"ratio_vs_memory: {times[memory] / best:.3f}")
  encode_us, decode_us = loaders.bare_split(pixels, arguments.seconds)
  print(f"bare libjpeg: encode {encode_us:.1f}, decode {decode_us:.1f} CPU-us a crop")
  for name, changes in ours.items():
    where(name, settings_of(**changes), made, arguments.seconds)


def turns(contenders, seconds):
  """Returns the CPU microseconds per crop of endless iterators of batches, which take turns."""
  spent = {name: [0.0, 0] for name in contenders}
  for batches in contenders.values():
    next(batches)
  for _ in range(ROUNDS):
    for name, batches in contenders.items():
      # Whatever the one before has still to put into its buffers is not this one's.
      time.sleep(0.2)
      began, end = cpu_seconds(), time.perf_counter() + seconds
      while time.perf_counter() < end:
        next(batches)
        spent[name][1] += loaders.BATCH
      spent[name][0] += cpu_seconds() - began
  return {name: 1e6 * cpu / count for name, (cpu, count) in spent.items()}


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
  """Prints 24x24 neighbourhoods, of which BlockCNN predicts the central 8x8, per second."""
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

  batches = stream(settings, made)
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
  for _ in range(2):  # The second time the files are in the system's cache for certain.
    subprocess.run([sys.executable, __file__, str(folder), "--start"], check=True)


def resident_mib():
  """Returns the memory that this process holds; of Linux alone."""
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
  began = time.perf_counter()
  made = manifest.load(folder)
  next(stream(settings_of(), made))
  print(
    f"start: first batch after {time.perf_counter() - began:.2f} s with "
    f"{len(made.splits['train'])} shards (TensorFlow was loaded before)",
    flush=True,
  )


class Timed:
  """An iterator of batches that adds up, inside the compiled loop, how long it was waited for."""

  def __init__(self, iterator):
    self._iterator = iterator
    self.waited = tf.Variable(0.0, dtype=tf.float64)

  def __next__(self):
    batch, seconds = self._timed_next()
    self.waited.assign_add(seconds)
    return batch

  # A function that is not inlined has an executor of its own. In the loop's, other operations that
  # need no batch run between clock and batch: 3 % of the time was counted for one always there.
  @tf.function(autograph=False, experimental_attributes={"_noinline": True})
  def _timed_next(self):
    began = tf.timestamp()
    with tf.control_dependencies([began]):
      batch = self._iterator.get_next()
    with tf.control_dependencies(tf.nest.flatten(batch)):
      return batch, tf.timestamp() - began


def starving(arguments):
  """Prints the share of its time that a training loop waits for batches."""
  made = records_of(arguments, "records", qualities=(25,))
  sizes = {name: network_of(name).count_params() for name in registry.names()}
  for name in dict.fromkeys(("blockcnn", min(sizes, key=sizes.get))):
    for degradation in ("stored", "online"):
      settings = settings_of(crop_size=24, batch_size=32, degradation=degradation)
      waited, seconds, steps = training(name, settings, made, arguments.seconds)
      print(
        f"starving: {name}, width 16 ({sizes[name]:,} parameters), {degradation}: waits for "
        f"batches {waited / seconds:.2%} of its time ({steps / seconds:.0f} steps per second)",
        flush=True,
      )


def network_of(name):
  """Returns a network of width 16; residual where it can be."""
  config = model_config.ModelConfig(model=name, width=16)
  try:
    return registry.build(config)
  except ValueError:
    return registry.build(dataclasses.replace(config, residual=False))


def training(name, settings, made, seconds):
  """Returns the seconds waited for batches, the seconds trained, and the steps taken."""
  entry = registry.get(name)
  device = strategy.create("cpu")
  with device.scope():
    network = network_of(name)
    optimizer = keras.optimizers.Adam(run_config.TrainConfig().learning_rate)
    optimizer.build(network.trainable_variables)
  steps = step.training_steps(
    device, network, optimizer, losses.get("l1"), entry, settings.batch_size
  )
  timed = Timed(stream(settings, made))
  count = run_config.TrainConfig().steps_per_call
  steps(timed, tf.constant(count))
  timed.waited.assign(0.0)
  began, taken = time.perf_counter(), 0
  while time.perf_counter() - began < 3 * seconds:
    float(steps(timed, tf.constant(count)).loss)
    taken += count
  return float(timed.waited.numpy()), time.perf_counter() - began, taken


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
  for name in arguments.parts or PARTS:
    PARTS[name](arguments)


if __name__ == "__main__":
  main()
