"""Training from its settings to its end: checks and builds everything, then a session runs it."""

from collections.abc import Callable
import contextlib
import dataclasses
import math
import time
from typing import Any

import keras

from deblock.launch.machines import hosts as hosts_lib
from deblock.launch.machines import strategy as strategy_lib
from deblock.launch.reporting import reporter as reporter_lib
from deblock.launch.run_folder import checkpoints as checkpoints_lib
from deblock.launch.run_folder import occupied, run_file, saved_weights
from deblock.launch.settings import crop_stages
from deblock.launch.settings import train as train_settings
from deblock.launch.training import (
  batch_sizes,
  endings,
  optimization,
  profiling,
  record_errors,
  session,
)
from deblock.launch.training import batches as batches_lib
from deblock.launch.training import stepper as stepper_lib
from deblock.launch.training import watch as watch_lib
from deblock.model.networks import registry
from deblock.pipeline import dataset as dataset_lib
from deblock.records.layout import manifest as manifest_lib

_NOT_HELD_OUT = (
  "holds out no tile. deblock-records --test_share=0.2 holds out a fifth of the images."
)
_SHARED = "Is --logdir a folder that all of them share?"


def train(
  run: train_settings.RunConfig,
  clock: Callable[[], float] = time.monotonic,
  stop: Callable[[], bool] = lambda: False,
) -> endings.Result:
  """Trains a network and resumes from the latest checkpoint in its folder, if there is one.

  On CPUs the same settings give the same weights, and the same curve except times, however often
  the run was stopped or killed. Two settings are exceptions: with `max_minutes` the weights depend
  on the clock, with `data_service` on the order in which its workers finish.

  Args:
    run: all settings.
    clock: seconds, rising.
    stop: called between calls of the inner loop; once it returns true, the run saves and ends.
  Raises:
    FileNotFoundError: if the records are missing.
    ValueError: if the settings do not fit the records, the network, the devices, the weights of
      init_from, or the run that is in the folder; if another process trains in the folder; if a
      record is bad, or with on_bad_record=skip too many are.
    OSError: if the folder cannot be written, nothing answers at the address of `data_service`, or
      another worker does not come, or is lost.
    FloatingPointError: if the loss, its gradient, or a weight that is to be saved, is not finite.
  """
  entry = registry.configured(run.model)
  run = _with_loss(run, entry)
  manifest = manifest_lib.load(run.input.records, damaged=run.input.on_bad_record == "skip")
  _check_crops(run, entry, manifest)
  hosts = hosts_lib.join(run.cluster, run.train.strategy)
  replicas = hosts.strategy.num_replicas_in_sync
  batch_sizes.check(run.input, replicas, run.optimization.accumulate_steps)
  # Before the folder is made: a run that cannot start leaves none.
  network = _network(run, hosts.strategy, entry)
  alone = occupied.hold(run.train.logdir) if hosts.writes else contextlib.nullcontext()
  with alone, hosts.saving_folder(run.train.logdir) as saved_in:
    _prepare_folder(run, hosts)
    run = _limited(run, manifest)
    result = _train(run, clock, stop, hosts, entry, manifest, network, saved_in)
  if result.trained:
    # All workers wait for the chief's last checkpoint: one that ends early counts as lost.
    hosts.check_agree({"the last step": result.step}, _SHARED)
  if not hosts.writes:
    # The checkpoints of this worker are deleted by now.
    result = dataclasses.replace(result, checkpoint=saved_weights.latest(run.train.logdir))
  return result


def _network(run, strategy, entry):
  keras.utils.set_random_seed(run.train.seed)
  with strategy.scope():
    with optimization.precision_of_layers(run.optimization.precision):
      network = entry.build(run.model.width, run.model.residual)
    if run.optimization.init_from and not checkpoints_lib.is_begun(run.train.logdir):
      saved_weights.initialize(network, run.optimization.init_from)
  return network


def _train(run, clock, stop, hosts, entry, manifest, network, saved_in):
  with hosts.strategy.scope():
    optimizer = optimization.create(run.optimization, network.trainable_variables)
    compiled = optimization.is_compiled(run.optimization)
    rules = optimization.rules(run.optimization, network, optimizer, compiled)
    checkpoints = checkpoints_lib.Checkpoints(
      run.train.logdir,
      network,
      optimizer,
      rules.state,
      keep=run.stopping.keep_checkpoints,
      about={"run": dataclasses.asdict(run)},
      saved_in=saved_in,
    )
  found = checkpoints.load()
  step, seconds = int(checkpoints.step.numpy()), float(checkpoints.seconds.numpy())
  hosts.check_agree({"the step to resume from": step}, _SHARED)
  best = watch_lib.loaded_best(run.stopping.best_metric, checkpoints.notes.get("best"))
  if found and (ending := endings.ending_at(run, step, seconds, best)):
    return endings.Result(found, step, seconds, False, ending, best)

  done = endings.share_done(run.train, step, seconds)
  with contextlib.ExitStack() as stack:
    reporter: Any = stack.enter_context(
      reporter_lib.Reporter(run.train.logdir, done, step) if hosts.writes else hosts_lib.Silent()
    )
    reporter.describe(run, hosts.strategy)
    reporter.note(
      f"{entry.name}: {network.count_params():,} parameters; batches of {run.input.batch_size} "
      f"over {hosts.strategy.num_replicas_in_sync} replica(s) on {hosts.count} host(s), here "
      f"{strategy_lib.devices(hosts.strategy)}; "
      f"{manifest.count('train')} training tiles; "
      f"{'resuming from' if found else 'starting at'} step {step}."
    )
    if note := _crop_note(run, entry):
      reporter.note(note)
    profiled_steps = run.watching.profile_steps if hosts.writes else 0
    profile = profiling.Profile(run.train.logdir, profiled_steps, reporter.note)
    stack.callback(profile.close)
    batches = batches_lib.Batches(run, hosts, manifest, step, done)
    stepper = stepper_lib.Stepper(run, hosts, network, optimizer, rules, batches, profile)
    with record_errors.named_in_evaluation(run, manifest):
      restorers = watch_lib.present_restorers(run, entry, network, rules)
      watch = watch_lib.Watch(restorers, run, manifest)
    if watch.is_blind() and run.watching.evaluate_every_steps and run.watching.evaluation_tiles:
      reporter.note(f"nothing is evaluated: {run.input.records} {_NOT_HELD_OUT}")
    parts = (run, hosts, checkpoints, reporter, stepper, watch, stop, clock)
    return session.Session(*parts).train()


def _check_crops(run, entry, manifest):
  sizes = crop_stages.sizes(run.input, run.optimization.early_crop_sizes)
  if min(sizes) <= 2 * entry.consumed:
    raise ValueError(
      f"crop_size must be more than {2 * entry.consumed} for {entry.name}, which consumes "
      f"{entry.consumed} pixels on each side, got {min(sizes)}."
    )
  tile_size = manifest.settings["tile_size"]
  if 0 < tile_size < max(sizes):
    raise ValueError(
      f"crop_size must be at most {tile_size}, the tile size of the records in "
      f"{run.input.records}, got {max(sizes)}."
    )


def _crop_note(run, entry):
  """Returns what is to say of crops that show a network less surroundings than images will."""
  size = crop_stages.sizes(run.input, run.optimization.early_crop_sizes)[-1]
  if size >= 2 * entry.context:
    return ""
  return (
    f"crop_size {size} is less than {2 * entry.context}, twice the context of {entry.name}: no "
    "pixel of a crop has all the surroundings that the network sees in an image."
  )


def _prepare_folder(run, hosts):
  hosts.check_agree(
    train_settings.settings_to_agree_on(run),
    "Start all with the same flags, except --worker_index.",
  )
  try:
    run_file.check_continues(run)
    if hosts.writes:
      run_file.save(run)
  except OSError as error:
    raise OSError(
      f"logdir {run.train.logdir} cannot be written: {error.strerror}. Choose another --logdir."
    ) from error


def _with_loss(run, entry):
  """Returns the settings with the network's own loss, if they name none."""
  settings = dataclasses.replace(run.optimization, loss=run.optimization.loss or entry.loss)
  return dataclasses.replace(run, optimization=settings)


def _limited(run, manifest):
  """Returns the settings with at most as many steps as max_epochs allows."""
  if not run.optimization.max_epochs:
    return run
  crops = run.optimization.max_epochs * dataset_lib.crops_per_epoch(run.input, manifest)
  steps = max(math.ceil(crops / run.input.batch_size), 1)
  settings = dataclasses.replace(run.train, max_steps=min(run.train.max_steps, steps))
  return dataclasses.replace(run, train=settings)
