"""Trains with the programs of deblock-export-step, on any device of JAX.

    python run_exported.py --programs=DIR --output=RUN --minutes=10

Needs jax, numpy and pillow, but neither TensorFlow nor deblock. The crops are compressed by the
device, or by processes of the host that feed it; without --feed, the way that is faster here. The
result is averages.npz, which deblock-export-weights turns into pretrained weights. A run that was
stopped resumes from state.npz; give it the minutes of both parts together.
"""

import argparse
import dataclasses
import gzip
import json
import math
import os
import pathlib
import shutil
import time

import jax
from jax import export
from jax.extend.mlir.dialects import stablehlo
import jax.numpy as jnp
import numpy as np

try:
  from deblock.launch.portable import device_crops, host_crops
except ImportError:  # Beside this file, where deblock-export-step put them.
  import device_crops  # type: ignore[no-redef]
  import host_crops  # type: ignore[no-redef]

DEVICE, HOST, AUTO = FEEDS = ("device", "host", "auto")
PROBE_SECONDS = 8.0
LOG_SECONDS = 20.0
# With a rate of zero and its results dropped, a step changes nothing.
_IDLE = tuple(np.float32(value) for value in (1.0, 0.0, 0.9, 0.0))
_PROGRAMS = {DEVICE: "step.mlir.gz", HOST: "fed.mlir.gz"}


def load_program(path, arguments, states):
  """Returns a StableHLO program as a function of a list of arrays to one.

  JAX makes such functions of exported ones only. So a placeholder of the same arguments and results
  is exported, and its program is replaced.

  Args:
    path: of the program, compressed text.
    arguments: arrays, or their shapes and types, in the order of the program.
    states: number of leading arguments that are also the leading results; three float32 scalars
      follow them.
  """
  with gzip.open(path, "rt") as stream:
    program = stablehlo.serialize_portable_artifact_str(
      stream.read(), stablehlo.get_current_version()
    )

  def placeholder(*arguments):
    return [*arguments[:states], *(jnp.zeros(()) for _ in range(3))]

  shapes = [jax.ShapeDtypeStruct(array.shape, array.dtype) for array in arguments]
  exported = export.export(jax.jit(placeholder, keep_unused=True))(*shapes)
  exported = dataclasses.replace(exported, mlir_module_serialized=program)
  run = jax.jit(exported.call)
  return lambda arguments: run(*arguments)


def save(path, arrays):
  """Writes arrays by name, under a temporary name first that nobody can guess."""
  # As deblock.records.layout.new_file, which is not there where only JAX is.
  temporary = path.with_name(f".deblock-{os.urandom(8).hex()}.tmp")
  try:
    with temporary.open("xb") as stream:
      arrays = {name: np.asarray(array) for name, array in arrays.items()}
      np.savez(stream, allow_pickle=False, **arrays)
    temporary.replace(path)
  finally:
    temporary.unlink(missing_ok=True)


@dataclasses.dataclass
class Run:
  """The state of a training: weights, moments and averages in the programs' order.

  Attributes:
    names: of the weights.
    state: arrays, four for each weight.
    number: steps taken.
    seconds: trained before this process.
  """

  names: list[str]
  state: list
  number: int
  seconds: float

  @classmethod
  def load(cls, programs, output):
    """Returns the run of a folder, or a new one from the initial weights."""
    initial = np.load(programs / "initial.npz", allow_pickle=False)
    names = initial.files
    if not (output / "state.npz").exists():
      if (output / "averages.npz").exists():
        raise SystemExit(f"{output}/averages.npz is of no run here: choose another --output.")
      weights = [initial[name].astype(np.float32) for name in names]
      zeros = [np.zeros_like(weight) for weight in weights]
      return cls(names, [*weights, *zeros, *zeros, *weights], 0, 0.0)
    stored = np.load(output / "state.npz", allow_pickle=False)
    state = [stored[str(index)] for index in range(4 * len(names))]
    return cls(names, state, int(stored["number"]), float(stored["seconds"]))

  def save(self, output, seconds):
    """Writes state and averages, unless a weight is not finite: that never replaces finite ones."""
    path = output / "state.npz"
    if not all(np.isfinite(np.asarray(array)).all() for array in self.state):
      raise SystemExit(f"the weights are not finite at step {self.number}; {path} is from before.")
    numbered = {str(index): array for index, array in enumerate(self.state)}
    save(path, {**numbered, "number": self.number, "seconds": seconds})
    averages = self.state[3 * len(self.names) :]
    save(output / "averages.npz", dict(zip(self.names, averages, strict=True)))


class Stage:
  """Steps of one layout: its programs, and the two ways to get its crops.

  Args:
    programs: folder of the programs.
    prefix: of the programs' names.
    source: host_crops.Source.
    options: of the command line.
    first: number of the first step.
  """

  def __init__(self, programs, prefix, source, options, first):
    self._programs, self._prefix, self._source = programs, prefix, source
    self._feed = None if options.feed == DEVICE else host_crops.Feed(source, first, options.workers)
    self._steps = {}
    self._sample = None

  def crops(self, feed, number):
    """Returns the arguments of step `number` between state and settings."""
    if feed == HOST and self._feed is not None:
      return list(next(self._feed))
    if self._sample is None:
      self._sample = device_crops.sampler(*self._source)
    return list(self._sample(number))

  def take(self, feed, state, crops, settings):
    """Returns the results of a step."""
    arguments = [*state, *crops, *settings]
    if feed not in self._steps:
      path = self._programs / f"{self._prefix}{_PROGRAMS[feed]}"
      self._steps[feed] = load_program(path, arguments, len(state))
    return self._steps[feed](arguments)

  def compile(self, feed, state):
    """Takes a step that changes nothing."""
    jax.block_until_ready(self.take(feed, state, self.crops(feed, 0), _IDLE))

  def faster_feed(self, state):
    """Returns the faster way to get crops here, and prints how fast each is."""
    per_second = {
      feed: _steps_per_second(lambda n, f=feed: self.take(f, state, self.crops(f, n), _IDLE))
      for feed in (DEVICE, HOST)
    }
    same = [jax.device_put(array) for array in self.crops(HOST, 0)]
    alone = _steps_per_second(lambda n: self.take(HOST, state, same, _IDLE))
    batches = _steps_per_second(lambda n: self.crops(HOST, n))
    best = max(per_second, key=per_second.__getitem__)
    print(
      f"steps a second: {per_second[DEVICE]:.1f} with crops compressed by the device, "
      f"{per_second[HOST]:.1f} by the host, which makes {batches:.1f} batches; {alone:.1f} with "
      f"crops that are there. Feeding by the {best}.",
      flush=True,
    )
    return best

  def close(self):
    """Ends the processes that feed."""
    if self._feed is not None:
      self._feed.close()


def _steps_per_second(step):
  jax.block_until_ready(step(0))
  began, taken, result = time.monotonic(), 0, None
  while time.monotonic() - began < PROBE_SECONDS:
    result = step(taken)
    taken += 1
    if taken % 20 == 0:
      # Calls return before the device has done its work.
      jax.block_until_ready(result)
  jax.block_until_ready(result)
  return taken / (time.monotonic() - began)


def train(options):
  """Trains until the time is over, or the weights are not finite."""
  programs, output = pathlib.Path(options.programs), pathlib.Path(options.output)
  output.mkdir(parents=True, exist_ok=True)
  layouts = json.loads((programs / "layout.json").read_text())["layouts"]
  run = Run.load(programs, output)
  images, sizes = device_crops.read_images(options.images or programs / "images")
  every_table = np.load(programs / "tables.npy", allow_pickle=False)
  # The host's processes are forked before JAX finds its devices.
  stages = [
    Stage(
      programs,
      prefix,
      host_crops.Source(images, sizes, every_table, layout, options.seed),
      options,
      run.number,
    )
    for prefix, layout in zip(("", "late_"), layouts, strict=False)
  ]
  device = jax.devices()[0]
  print(f"device: {device}; {len(images)} images; from step {run.number}", flush=True)
  run.state = [jax.device_put(array, device) for array in run.state]
  feed = options.feed
  if feed == AUTO:
    feed = stages[0].faster_feed(run.state)
  _steps(run, stages, feed, options, output)
  for stage in stages:
    stage.close()
  for name in ("layout.json", "initial.npz"):
    shutil.copy(programs / name, output)
  print(f"averages: {output}/averages.npz after {run.number} steps")


def _steps(run, stages, feed, options, output):
  allowed = 60.0 * options.minutes
  # Compiling takes none of the time.
  for stage in stages:
    stage.compile(feed, run.state)
  began = logged = time.monotonic()
  gains: list[float] = []
  while (seconds := run.seconds + time.monotonic() - began) < allowed:
    done = seconds / allowed
    rate = options.learning_rate * min(1.0, (run.number + 1) / options.warmup_steps)
    rate *= 0.5 + 0.5 * math.cos(math.pi * done)
    decay = min(0.999, (run.number + 1) / (run.number + 10))
    logarithmic = float(done >= options.logarithmic_from)
    settings = [np.float32(value) for value in (run.number + 1, rate, decay, logarithmic)]
    stage = stages[-1] if done >= options.late_from else stages[0]
    crops = stage.crops(feed, run.number)
    results = stage.take(feed, run.state, crops, settings)
    count = len(run.state)
    run.state, (loss, gain, norm) = results[:count], results[count:]
    run.number += 1
    if run.number % 50 == 0:
      gains.append(float(gain))
    if time.monotonic() - logged > LOG_SECONDS:
      logged = time.monotonic()
      recent = float(np.mean(gains[-20:])) if gains else math.nan
      print(
        f"step {run.number}: {seconds:.0f} of {allowed:.0f} s, rate {rate:.6f}, "
        f"loss {float(loss):.4f}, norm {float(norm):.3f}, gain of crops {recent:+.3f} dB",
        flush=True,
      )
      run.save(output, seconds)
  run.save(output, seconds)


def run():
  """Entry point of the console script."""
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument("--programs", required=True, help="folder that deblock-export-step wrote")
  parser.add_argument("--images", default="", help="clean images; the packed ones if empty")
  parser.add_argument("--output", required=True, help="folder of the run")
  parser.add_argument("--minutes", type=float, default=10.0, help="training time in all")
  parser.add_argument("--learning_rate", type=float, default=2e-3, help="at its highest")
  parser.add_argument("--warmup_steps", type=int, default=500)
  parser.add_argument(
    "--logarithmic_from",
    type=float,
    default=0.8,
    help="share of the time from which on the loss is the logarithm of the squared error",
  )
  parser.add_argument(
    "--late_from",
    type=float,
    default=0.8,
    help="share of the time from which on crops are larger, if there are programs for them",
  )
  parser.add_argument("--feed", choices=FEEDS, default=AUTO, help="what compresses the crops")
  parser.add_argument(
    "--workers", type=int, default=os.cpu_count() or 1, help="processes that compress crops"
  )
  parser.add_argument("--seed", type=int, default=0)
  train(parser.parse_args())


if __name__ == "__main__":
  run()
