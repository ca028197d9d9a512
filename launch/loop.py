"""The outer loop: restore, then steps, log, checkpoint and evaluate until the run is over."""

from collections.abc import Callable
import contextlib
import dataclasses
import functools
import math
import pathlib
import time

import keras
import tensorflow as tf

from deblock.launch import bad_input, config, reporting, schedule
from deblock.launch import checkpoints as checkpoints_lib
from deblock.launch import step as step_lib
from deblock.launch import strategy as strategy_lib
from deblock.launch import watch as watch_lib
from deblock.model import losses, registry, restorer
from deblock.pipeline import dataset as dataset_lib
from deblock.records import manifest as manifest_lib


@dataclasses.dataclass(frozen=True)
class Result:
  """How a run ended.

  Attributes:
    checkpoint: path of its last checkpoint.
    step: steps taken in all.
    seconds: time trained in all.
    trained: whether this call took any step.
  """

  checkpoint: str
  step: int
  seconds: float
  trained: bool


def train(run: config.RunConfig, clock: Callable[[], float] = time.monotonic) -> Result:
  """Trains a network as `run` says, going on from the latest checkpoint in its folder.

  The same settings give the same weights on CPU, however often the run was stopped between two
  checkpoints, unless `max_minutes` is set: then they depend on the clock; or `data_service`: then
  on the order in which its workers are done.

  Args:
    run: all settings.
    clock: seconds, rising.
  Raises:
    FileNotFoundError: if the records are missing.
    ValueError: if the settings do not fit the records, the network, the devices, or the run that is
      in the folder already; a record is bad, or with on_bad_record=skip too many are.
    OSError: if the folder cannot be written, or nothing answers at the address of `data_service`.
    FloatingPointError: if the loss is not finite.
  """
  entry = registry.configured(run.model)
  loss = losses.get(run.train.loss)
  if run.input.crop_size <= 2 * entry.consumed:
    raise ValueError(
      f"crop_size must be more than {2 * entry.consumed} for {entry.name}, which consumes "
      f"{entry.consumed} pixels on each side, got {run.input.crop_size}."
    )
  manifest = manifest_lib.load(run.input.records, damaged=run.input.on_bad_record == "skip")
  tile_size = manifest.settings["tile_size"]
  if 0 < tile_size < run.input.crop_size:
    raise ValueError(
      f"crop_size must be at most {tile_size}, the tile size of the records in "
      f"{run.input.records}, got {run.input.crop_size}."
    )
  strategy = strategy_lib.create(run.train.strategy)
  replicas = strategy.num_replicas_in_sync
  if run.input.batch_size % replicas:
    raise ValueError(
      f"batch_size must be a multiple of the {replicas} replicas, got {run.input.batch_size}."
    )
  _prepare_folder(run)

  keras.utils.set_random_seed(run.train.seed)
  with strategy.scope():
    network = entry.build(run.model.width, run.model.residual)
    optimizer = keras.optimizers.Adam(run.train.learning_rate)
    optimizer.build(network.trainable_variables)
    checkpoints = checkpoints_lib.Checkpoints(run.train.logdir, network, optimizer)
  found = checkpoints.restore()
  first_step = int(checkpoints.step.numpy())
  seconds = float(checkpoints.seconds.numpy())
  done = _share_done(run.train, first_step, seconds)
  if found and done >= 1.0:
    return Result(found, first_step, seconds, trained=False)

  steps = step_lib.training_steps(strategy, network, optimizer, loss, entry, run.input.batch_size)
  with contextlib.closing(reporting.Reporter(run.train.logdir, done)) as reporter:
    reporter.note(
      f"{entry.name}: {network.count_params():,} parameters; batches of {run.input.batch_size} "
      f"over {replicas} replica(s); {manifest.count('train')} training tiles; "
      f"{'going on from' if found else 'starting at'} step {first_step}."
    )
    loop = _Loop(run, checkpoints, reporter, clock)
    with bad_input.named_in_training(run, manifest, replicas, first_step, 0):
      batches = iter(_distributed(strategy, run, manifest, first_step))
    with bad_input.named_in_evaluation(run, manifest):
      make_restorer = functools.partial(restorer.Restorer, network, entry, constant=True)
      watch = watch_lib.Watch(make_restorer, run, manifest)

    def call(count, rate):
      with bad_input.named_in_training(run, manifest, replicas, loop.step, count):
        return _call(steps, optimizer, batches, count, rate)

    return loop.run(call, watch)


def _prepare_folder(run):
  try:
    pathlib.Path(run.train.logdir).mkdir(parents=True, exist_ok=True)
    config.check_continues(run)
    config.save(run)
  except OSError as error:
    raise OSError(
      f"logdir {run.train.logdir} cannot be written: {error.strerror}. Choose another --logdir."
    ) from error


def _distributed(strategy, run, manifest, first_step):
  """Returns the batches of each replica, entering the stream where the run left it."""

  def host_batches(context):
    replicas = strategy.num_replicas_in_sync // context.num_input_pipelines
    return dataset_lib.training_dataset(
      run.input,
      manifest,
      run.train.seed,
      batch_size=context.get_per_replica_batch_size(run.input.batch_size),
      first_batch=first_step * replicas,
      host=context.input_pipeline_id,
      hosts=context.num_input_pipelines,
    )

  if strategy.num_replicas_in_sync == 1:
    # One device needs no distributed iterator. That one runs a generator dataset, whose kernel
    # sets glibc's trim threshold to 128 KiB: each activation is then given back to the system and
    # fetched again at every step, which costs half the speed on CPU (tests/bench/trimming.py).
    return host_batches(tf.distribute.InputContext(num_replicas_in_sync=1))
  return strategy.distribute_datasets_from_function(host_batches)


def _call(steps, optimizer, batches, count, rate):
  optimizer.learning_rate.assign(rate)
  totals = steps(batches, tf.constant(count, tf.int32))
  return step_lib.Totals(*(float(value) for value in totals))


def _share_done(settings, step, seconds):
  """Returns the share of a run that is over, by steps or by time, whichever is more."""
  done = step / settings.max_steps
  if settings.max_minutes > 0:
    done = max(done, seconds / (60.0 * settings.max_minutes))
  return done


class _Loop:
  """One run from its first step to its last; exists to keep what the intervals share."""

  def __init__(self, run, checkpoints, reporter, clock):
    self._settings = run.train
    self._batch_size = run.input.batch_size
    self._checkpoints = checkpoints
    self._reporter = reporter
    self._clock = clock
    self._step = int(checkpoints.step.numpy())
    self._seconds = float(checkpoints.seconds.numpy())
    self._saved_step = self._step
    reporter.text(self._step, "run", "\n".join(f"    {line}" for line in _lines(run)))

  @property
  def step(self):
    """Steps taken in all."""
    return self._step

  def run(self, call, watch):
    """Trains to the end; `call(count, rate)` takes steps, `watch()` evaluates."""
    window = []  # (steps, seconds, totals) since scalars were last logged.
    while self._done() < 1.0:
      rate = self._rate()
      count = min(self._settings.steps_per_call, self._settings.max_steps - self._step)
      began = self._clock()
      totals = call(count, rate)
      seconds = self._clock() - began
      self._step += count
      self._seconds += seconds
      if not math.isfinite(totals.loss):
        raise FloatingPointError(
          f"the loss is {totals.loss} in the {count} steps before step {self._step}, at learning "
          f"rate {rate:g}. Nothing was saved since step {self._saved_step}: start again with a "
          "lower --learning_rate."
        )
      window.append((count, seconds, totals))
      if self._due("log_every_steps"):
        self._log(window, rate)
        window = []
      if self._due("evaluate_every_steps"):
        self._evaluate(watch)
      if self._due("checkpoint_every_steps") and self._done() < 1.0:
        self._save()
    if window:
      self._log(window, rate)
    if self._settings.evaluate_every_steps and not self._due("evaluate_every_steps"):
      self._evaluate(watch)
    return Result(self._save(), self._step, self._seconds, trained=True)

  def _done(self):
    return _share_done(self._settings, self._step, self._seconds)

  def _rate(self):
    settings = self._settings
    return schedule.learning_rate(
      settings.learning_rate, settings.schedule, self._step, settings.warmup_steps, self._done()
    )

  def _due(self, name):
    interval = getattr(self._settings, name)
    return interval > 0 and self._step % interval == 0

  def _log(self, window, rate):
    counts, seconds, totals = zip(*window, strict=True)
    steps = sum(counts)
    loss = sum(total.loss for total in totals) / steps
    gain = reporting.decibels(
      sum(total.error for total in totals), sum(total.error_jpeg for total in totals)
    )
    images = steps * self._batch_size / max(sum(seconds), 1e-9)
    self._reporter.scalars(
      self._step,
      {
        "train/loss": loss,
        "train/gain_db": gain,
        "train/learning_rate": rate,
        "train/images_per_second": images,
      },
    )
    self._reporter.progress(
      self._done(), step=self._step, loss=loss, gain_db=gain, images_per_s=images
    )

  def _evaluate(self, watch):
    scalars, sheet = watch()
    self._reporter.scalars(self._step, scalars)
    if sheet is not None:
      self._reporter.image(self._step, "clean | JPEG | restored", sheet)
    self._reporter.flush()
    gains = [
      f"{value:+.3f} dB at quality {name.rsplit('q', 1)[1]}"
      for name, value in scalars.items()
      if name.startswith("eval/gain_db")
    ]
    if gains:
      self._reporter.note(f"step {self._step}: gain over JPEG on held-out tiles {', '.join(gains)}")

  def _save(self):
    self._checkpoints.step.assign(self._step)
    self._checkpoints.seconds.assign(self._seconds)
    self._saved_step = self._step
    return self._checkpoints.save()


def _lines(run):
  for part in dataclasses.fields(run):
    for name, value in dataclasses.asdict(getattr(run, part.name)).items():
      yield f"--{name}={','.join(map(str, value)) if isinstance(value, tuple) else value}"
