"""Trains networks for the same CPU time on the same stream, and prints a table of their gains.

make bench PART=networks-equal-time IMAGES=TRAIN VALID=VALID MINUTES=60 MODELS='arcnn deblocknet:48'

Every network gets the same CPU-minutes: user and system, of all threads, from the end of the first
call, which compiles. Other jobs on the machine do not change the result. All networks see the same
crops in the same order, each compressed at its own quality, and use Adam, the same loss, and a
cosine from the same learning rate over their minutes. NAME@fast starts from pretrained weights, and
MINUTES=0 measures where it starts. Finished rows are skipped. The table is
WORKDIR/table.csv, the curves WORKDIR/curves/*.csv; --markdown prints the table only.
"""

import argparse
import csv
import pathlib
import re
import subprocess
import sys
import time

import designs
import equal_rows
import keras
import numpy as np
import ours
from PIL import Image
import tensorflow as tf

from deblock.launch.evaluation import figures, methods
from deblock.launch.settings import optimization as optimization_settings
from deblock.launch.settings import schedule
from deblock.launch.training import optimization, step
from deblock.model import losses, macs, restorer
from deblock.pipeline import config as input_config
from deblock.pipeline import dataset
from deblock.records.layout import manifest as manifest_lib

STEPS_PER_CALL = 5
NAMES = (
  "arcnn dncnn3 dncnn3:32 l4 l8 blockcnn:16 blockcnn_fc:16 nafcar smca deblocknet deblocknet_fast "
  "deblocknet:width=48,units=11 deblocknet:width=96,units=3 deblocknet:width=128,units=6,scale=4 "
  "deblocknet:width=64,units=6,attention=1 deblocknet:width=48,units=4,kernel=5 "
  "deblocknet:width=128,units=12,kernel=7,separable=1"
)


def write_records(arguments):
  """Writes records of all images, unless they exist."""
  folder = arguments.workdir / "records"
  command = [sys.executable, "-m", "deblock.launch.build_records", f"--records={folder}",
             f"--images={arguments.images}", "--qualities=25", "--test_share=0"]  # fmt: skip
  subprocess.run(command, check=True)


def trained(network, entry, arguments):
  """Trains, writes the curve, and returns the steps taken and the CPU-seconds spent."""
  folder = arguments.workdir / "records"
  settings = input_config.InputConfig(
    records=str(folder),
    crop_size=arguments.crop,
    batch_size=arguments.batch,
    degradation="online",
    online_qualities=arguments.qualities,
  )
  stream = dataset.training_dataset(settings, manifest_lib.load(str(folder)), arguments.seed)
  batches = iter(stream)
  optimizer = keras.optimizers.Adam(arguments.rate)
  optimizer.build(network.trainable_variables)
  strategy = tf.distribute.OneDeviceStrategy("/cpu:0")
  rules = optimization.UpdateRules(
    jit_compile=optimization.is_compiled(optimization_settings.OptimizationConfig())
  )
  run = step.training_steps(
    strategy, network, optimizer, losses.get(arguments.loss), entry, arguments.batch, rules
  )
  taken, budget, share, curve = 0, None, 0.0, []
  while share < 1.0:
    rate = schedule.learning_rate(arguments.rate, "cosine", taken, 20, share)
    optimizer.learning_rate.assign(rate)
    totals = run(batches, tf.constant(STEPS_PER_CALL))
    loss = float(totals.loss) / STEPS_PER_CALL
    if not np.isfinite(loss):
      raise FloatingPointError(f"the loss is {loss} after {taken} steps.")
    taken += STEPS_PER_CALL
    budget = budget or equal_rows.Budget(60.0 * arguments.minutes, time.process_time())
    share = budget.share(time.process_time())
    gain = 10.0 * np.log10(float(totals.error_jpeg) / float(totals.error))
    curve.append((f"{share * arguments.minutes:.4f}", taken, f"{loss:.6f}", f"{gain:.4f}"))
  save_curve(curve_path(arguments), curve)
  return taken, time.process_time() - budget.began


def command_of(arguments, name):
  """Returns the command that repeats a row, which names all that a user may choose."""
  chosen = {"MINUTES": f"{arguments.minutes:g}", "SEED": arguments.seed, "LOSS": arguments.loss}
  # Rows of before these could be chosen have commands without them.
  others = {"CROP": (arguments.crop, 96), "RATE": (arguments.rate, 1e-3)}
  chosen |= {key: f"{value:g}" for key, (value, usual) in others.items() if value != usual}
  settings = " ".join(f"{key}={value}" for key, value in chosen.items())
  return f"make bench PART=networks-equal-time {settings} MODELS='{name}'"


def curve_path(arguments):
  """Returns the path of the curve of the one network."""
  name = re.sub(r"[^a-z0-9_]+", "-", arguments.models)
  kind = f"{arguments.loss}-{arguments.minutes:g}-seed{arguments.seed}"
  if arguments.rate != 1e-3:
    kind += f"-rate{arguments.rate:g}"
  return arguments.workdir / "curves" / f"{name}-{kind}.csv"


def save_curve(path, curve):
  """Writes about 200 points of the curve, so that the file stays small."""
  path.parent.mkdir(parents=True, exist_ok=True)
  every = max(1, len(curve) // 200)
  with path.open("w", newline="") as stream:
    writer = csv.writer(stream)
    writer.writerow(("cpu_minutes", "step", "loss", "gain_db"))
    writer.writerows(curve[every - 1 :: every])


def keep(path, network, steps, spent):
  """Writes a trained network, so that its training is not lost if its evaluation stops."""
  temporary = path.with_suffix(".tmp.npz")
  weights = {str(index): weight.numpy() for index, weight in enumerate(network.weights)}
  np.savez(temporary, steps=steps, spent=spent, **weights)
  temporary.replace(path)


def kept(path, network):
  """Sets a network to what `keep` wrote, and returns steps and CPU-seconds."""
  with np.load(path) as stored:
    network.set_weights([stored[str(index)] for index in range(len(network.weights))])
    return int(stored["steps"]), float(stored["spent"])


def gains(network, entry, folder, count):
  """Returns the mean gain in dB at each quality on the folder's images."""
  paths = sorted(pathlib.Path(folder).glob("*.png"))
  if not paths:
    raise FileNotFoundError(f"{folder} holds no PNG images.")
  images = ((path.name, np.array(Image.open(path).convert("RGB"))) for path in paths[:count])
  restore = restorer.Restorer(network, entry, constant=True)
  chosen = [methods.Method("", restore)]
  rows = figures.evaluate(chosen, images, equal_rows.QUALITIES)
  return {f"gain_q{row.quality}": round(row.gain, 4) for row in figures.means(rows)}


def measure(arguments):
  """Trains and evaluates the one named network, and adds its row."""
  name = arguments.models
  ours.set_threads(arguments.threads)
  keras.utils.set_random_seed(arguments.seed)
  network, entry = designs.build(name)
  work = round(macs.per_pixel(network, entry))
  path = curve_path(arguments).with_suffix(".npz")
  steps, spent = 0, 0.0
  if path.exists():
    steps, spent = kept(path, network)
  elif arguments.minutes:
    steps, spent = trained(network, entry, arguments)
    keep(path, network, steps, spent)
  row = equal_rows.Row(
    network=name,
    minutes=arguments.minutes,
    seed=arguments.seed,
    qualities=arguments.qualities,
    loss=arguments.loss,
    parameters=ours.parameters(network),
    macs=work,
    steps=steps,
    megapixels=round(steps * arguments.batch * arguments.crop**2 / 1e6, 2),
    cpu_minutes=round(spent / 60.0, 2),
    command=command_of(arguments, name),
    **gains(network, entry, arguments.valid, arguments.count),
  )
  equal_rows.append(arguments.workdir / "table.csv", row)
  path.unlink(missing_ok=True)
  print(equal_rows.markdown([row]), flush=True)


def main():
  """Trains what is missing, one network after the other, and prints the table."""
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument("--workdir", type=pathlib.Path, required=True)
  parser.add_argument("--images", default="", help="folder to train on")
  parser.add_argument("--valid", default="", help="folder of PNG images to evaluate on")
  parser.add_argument("--count", type=int, default=8, help="images to evaluate on, the first ones")
  parser.add_argument("--models", default=NAMES, help="networks, with spaces between")
  parser.add_argument("--minutes", type=float, default=30.0, help="CPU-minutes of each")
  parser.add_argument("--qualities", default="10-40")
  parser.add_argument("--loss", default="l2", choices=losses.names())
  parser.add_argument("--seed", type=int, default=0)
  parser.add_argument("--batch", type=int, default=8)
  parser.add_argument("--crop", type=int, default=96, help="side of the crops in pixels")
  parser.add_argument("--rate", type=float, default=1e-3, help="highest learning rate")
  parser.add_argument("--threads", type=int, default=2)
  parser.add_argument("--markdown", action="store_true", help="print the table and stop")
  parser.add_argument("--here", action="store_true", help="in this process; one network")
  arguments = parser.parse_args()
  if arguments.here:
    measure(arguments)
    return
  table = arguments.workdir / "table.csv"
  if not arguments.markdown:
    arguments.workdir.mkdir(parents=True, exist_ok=True)
    if not arguments.images or not arguments.valid:
      parser.error("--images and --valid must name folders")
    names = arguments.models.split()
    for name in names:
      designs.parse(name)
    write_records(arguments)
    for name in names:
      key = (name, arguments.minutes, arguments.seed, arguments.qualities, arguments.loss,
             command_of(arguments, name))  # fmt: skip
      if key in {row.key for row in equal_rows.load(table)}:
        print(f"{name}: finished before.")
        continue
      given = {**vars(arguments), "models": name}
      flags = [f"--{key}={value}" for key, value in given.items() if not isinstance(value, bool)]
      command = [sys.executable, __file__, *flags, "--here"]
      subprocess.run(command, check=True, env=ours.environment())
  print(equal_rows.markdown(equal_rows.load(table)))


if __name__ == "__main__":
  main()
