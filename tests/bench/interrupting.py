"""Kills a training run at random moments, and compares it with an undisturbed run.

make bench PART=training-kills

A run of a small network is stopped by SIGTERM, continued, killed with SIGKILL after a random time,
started again with the same settings, and so on, until there were 20 kills; then it runs to its end.
A quarter of the kills come while it starts, the others while it trains. It saves every few steps,
so some kills hit a save. If a run ends in spite of the kills, a new one begins. At the end the
weights, the optimiser and the best checkpoint must equal those of an undisturbed run to the bit,
and so must the curve, except for speeds. Then a network of full size is saved a few times, to
measure the share of a minute that this takes.
"""

import argparse
import os
import pathlib
import random
import resource
import shutil
import signal
import statistics
import sys
import time
import traceback

import keras
import numpy as np
import tensorflow as tf

from deblock.launch import train
from deblock.launch.run_folder import checkpoint_folder, checkpoints, history
from deblock.launch.settings import train as train_settings
from deblock.launch.training import loop
from deblock.model.networks import registry
from deblock.records.planning import config as records_config
from deblock.records.writing import writer

# Log, evaluation and checkpoint fall on different steps, on purpose.
CALL, LOG, EVALUATE, CHECKPOINT = 2, 10, 14, 6
LOST = 45  # An exit status that training never has.
ASKED = 128 + signal.SIGTERM
SAVES = 8


def network(width=4, residual=True):
  """Returns two convolutions and batch normalisation, whose statistics have no gradient."""
  del residual
  compressed = keras.Input((None, None, 3))
  features = keras.layers.Conv2D(width, 9, activation="relu")(compressed)
  features = keras.layers.BatchNormalization()(features)
  return keras.Model(compressed, keras.layers.Conv2D(3, 9)(features))


def settings(records, logdir, steps):
  """Returns all settings of a run."""
  return train_settings.run_of(
    {
      "model": "plain",
      "width": 4,
      "records": str(records),
      "batch_size": 4,
      "crops_per_tile": 4,
      "mixed_tiles": 4,
      "logdir": str(logdir),
      "max_steps": steps,
      "steps_per_call": CALL,
      "log_every_steps": LOG,
      "evaluate_every_steps": EVALUATE,
      "checkpoint_every_steps": CHECKPOINT,
      "evaluation_tiles": 1,
      "strategy": "cpu",
    }
  )


def fork(function, log=None):
  """Runs a function in a process of its own, and returns its number.

  TensorFlow is imported in this process and starts in the forked one, which saves the import. It
  must not start here before a fork: the forked process would wait for threads it does not have.
  """
  process = os.fork()
  if process:
    return process
  status = LOST
  try:
    if log:
      with log.open("ab") as stream:
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)
    function()
    status = 0
  except SystemExit as ended:
    status = ended.code
  except BaseException:
    traceback.print_exc()
  finally:
    os._exit(status)


def wait(process, log=None):
  """Waits for a process to end, and exits if it failed."""
  _, status = os.waitpid(process, 0)
  if status:
    said = log.read_text() if log else ""
    sys.exit(f"a process that was not killed ended with {status}:\n{said}")


class Run:
  """A run that can be started and killed."""

  def __init__(self, records, logdir, steps):
    self.logdir = logdir
    self._settings = settings(records, logdir, steps)
    self._log = logdir.with_suffix(".log")

  def start(self):
    """Starts or continues it; returns its process and a pipe that says when it trains."""
    reading, writing = os.pipe()
    process = fork(lambda: self._train(writing), self._log)
    os.close(writing)
    return process, reading

  def finish(self):
    """Runs it to its end; returns the seconds until it trained, and those until it ended."""
    began = time.monotonic()
    process, reading = self.start()
    os.read(reading, 1)
    trains = time.monotonic()
    wait(process, self._log)
    os.close(reading)
    return trains - began, time.monotonic() - trains

  def _train(self, writing):
    def stop():
      os.write(writing, b".")
      return False

    register()
    loop.train(self._settings, stop=stop)

  def killed(self, delay, from_start):
    """Kills it some time after it starts or trains; returns whether it still ran."""
    process, reading = self.start()
    if not from_start:
      os.read(reading, 1)
    time.sleep(delay)
    ended, status = os.waitpid(process, os.WNOHANG)
    if not ended:
      os.kill(process, signal.SIGKILL)
      os.waitpid(process, 0)
    os.close(reading)
    if ended and status:
      sys.exit(f"a process ended by itself with {status}:\n{self._log.read_text()}")
    return not ended

  def asked_to_stop(self):
    """Runs it as the program does, and sends SIGTERM once it has saved something."""
    flags = [
      f"--{name}={value}"
      for name, value in train_settings.settings_of(self._settings).items()
      if value not in ((), "")
    ]

    def run():
      register()
      sys.argv = ["deblock-train", *flags]
      train.run()

    process = fork(run, self._log)
    ended, status = 0, 0
    while not ended and not checkpoint_folder.steps(self.logdir / checkpoints.FOLDER):
      time.sleep(0.01)
      ended, status = os.waitpid(process, os.WNOHANG)
    if not ended:
      os.kill(process, signal.SIGTERM)
      _, status = os.waitpid(process, 0)
    said = self._log.read_text()
    if os.waitstatus_to_exitcode(status) != ASKED or "resume with: deblock-train --" not in said:
      sys.exit(f"a program that was asked to stop ended with {status}:\n{said}")
    print(f"asked to stop: saved, and ended with status {ASKED}")


def register():
  """Registers the network."""
  registry.register(
    registry.Entry(name="plain", description="for tests", build=network, context=8, border="mirror")
  )


def state(folder):
  """Returns the values of a folder's first checkpoint by name, without seconds."""
  path = checkpoint_folder.latest_first(folder)[0]
  reader = tf.train.load_checkpoint(path)
  names = set(reader.get_variable_to_shape_map())
  left_out = {"_CHECKPOINTABLE_OBJECT_GRAPH", "notes/.ATTRIBUTES/py_state"}
  return {
    name: reader.get_tensor(name) for name in names - left_out if not name.startswith("seconds")
  }


def compare(expected, found):
  """Raises unless two runs ended with equal values."""
  folders = [run.logdir / checkpoints.FOLDER for run in (expected, found)]
  for part in ("", checkpoints.BEST):
    one, other = (state(folder / part) for folder in folders)
    differing = [name for name in one if not np.array_equal(one[name], other.get(name))]
    if differing or one.keys() != other.keys():
      raise ValueError(f"not equal in the {part or 'latest'} checkpoint: {differing}")
  curves = [history.curves(history.read(str(run.logdir))) for run in (expected, found)]
  for curve in curves:
    for name in history.CLOCKED:
      del curve[name]
  if curves[0] != curves[1]:
    raise ValueError(f"the curves differ: {curves[0]} and {curves[1]}")
  points = sum(len(values) for values in curves[0].values())
  print(f"{found.logdir.name}: equal to the bit; a curve of {points} points, too")


def kill(workdir, records, kills, steps, seed):
  """Prints a line for each kill, and ends with an error if a run did not end as it should."""
  expected = Run(records, workdir / "expected", steps)
  startup_seconds, train_seconds = expected.finish()
  print(f"an undisturbed run: {startup_seconds:.1f} s to start, {train_seconds:.1f} s to train")
  draw = random.Random(seed)
  done = rounds = unfinished = 0
  run = Run(records, workdir / "run-0", steps)
  run.asked_to_stop()
  while done < kills:
    from_start = draw.random() < 0.25
    most = startup_seconds if from_start else 3 * train_seconds / kills
    if run.killed(draw.uniform(0, most), from_start):
      done += 1
      folder = run.logdir / checkpoints.FOLDER
      saving = (folder / ".saving").exists() or (folder / checkpoints.BEST / ".saving").exists()
      unfinished += saving
      saved = checkpoint_folder.steps(folder)[-1:] if folder.exists() else []
      print(
        f"kill {done}: {'starting' if from_start else 'training'}, "
        f"saved up to step {saved[0] if saved else 0}"
        f"{', in the middle of a save' if saving else ''}"
      )
    else:
      wait(fork(lambda ended=run: compare(expected, ended)))
      rounds += 1
      run = Run(records, workdir / f"run-{rounds}", steps)
  run.finish()
  wait(fork(lambda: compare(expected, run)))
  print(f"kills: {done}\nruns: {rounds + 1}\nkills in the middle of a save: {unfinished}")
  print("weights, optimiser, best checkpoint and curve: those of the undisturbed run")


def cost(workdir, name):
  """Prints the time to save a network of full size."""
  entry = registry.get(name)
  made = entry.build(0, True)
  optimizer = keras.optimizers.Adam(1e-3)
  optimizer.build(made.trainable_variables)
  saver = checkpoints.Checkpoints(str(workdir / "cost"), made, optimizer)
  walls, cpus = [], []
  for step in range(SAVES + 1):
    saver.step.assign(step)
    wall, cpu = time.perf_counter(), cpu_seconds()
    path = saver.save()
    walls.append(time.perf_counter() - wall)
    cpus.append(cpu_seconds() - cpu)
  # The first save also warms TensorFlow up.
  wall, cpu = (statistics.median(values[1:]) for values in (walls, cpus))
  size = sum(file.stat().st_size for file in pathlib.Path(path).parent.glob(f"ckpt-{SAVES}.*"))
  print(
    f"a checkpoint of {name}: {size / 1e6:.1f} MB\nseconds to save it: {wall:.3f} "
    f"({cpu:.3f} of CPU; the first {walls[0]:.3f})\nof a minute of training: {wall / 0.6:.2f} %"
  )


def cpu_seconds():
  """Returns the processor's seconds of this process."""
  used = resource.getrusage(resource.RUSAGE_SELF)
  return used.ru_utime + used.ru_stime


def main():
  """Kills, compares, and measures."""
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument("workdir", type=pathlib.Path)
  parser.add_argument("--kills", type=int, default=20)
  parser.add_argument("--steps", type=int, default=1500)
  parser.add_argument("--seed", type=int, default=0)
  parser.add_argument("--records", type=pathlib.Path, help="of their own if not given")
  parser.add_argument("--network", default="deblocknet", help="to save; none if empty")
  arguments = parser.parse_args()
  # A fork would print buffered output again.
  sys.stdout.reconfigure(line_buffering=True)
  workdir = arguments.workdir
  shutil.rmtree(workdir, ignore_errors=True)
  workdir.mkdir(parents=True)
  records, log = arguments.records, workdir / "own.log"
  if records is None:
    records = workdir / "records"
    making = records_config.RecordsConfig(records=str(records), tile_size=48, tiles_per_image=2)
    wait(fork(lambda: writer.write(making), log), log)
  kill(workdir, records, arguments.kills, arguments.steps, arguments.seed)
  if arguments.network:
    cost(workdir, arguments.network)


if __name__ == "__main__":
  main()
