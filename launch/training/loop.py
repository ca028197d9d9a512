"""Training from its settings to its end: what is needed is made here, and a session runs it."""

from collections.abc import Callable
import contextlib
import dataclasses
import math
import time

import keras
import tensorflow as tf

from deblock.launch.machines import feeding
from deblock.launch.machines import hosts as hosts_lib
from deblock.launch.reporting import reporter as reporter_lib
from deblock.launch.run_folder import checkpoints as checkpoints_lib
from deblock.launch.run_folder import initialization, occupied, saved_weights
from deblock.launch.settings import crop_stages
from deblock.launch.settings import train as train_settings
from deblock.launch.training import (
  bad_input,
  gauges,
  judged,
  not_finite,
  optimization,
  precision,
  profiling,
  session,
  waiting,
)
from deblock.launch.training import best as best_lib
from deblock.launch.training import step as step_lib
from deblock.launch.training import watch as watch_lib
from deblock.model import losses
from deblock.model.networks import registry
from deblock.pipeline import dataset as dataset_lib
from deblock.records.layout import manifest as manifest_lib

_SHARED = "Is --logdir a folder that all of them share?"


def train(
  run: train_settings.RunConfig,
  clock: Callable[[], float] = time.monotonic,
  stop: Callable[[], bool] = lambda: False,
) -> session.Result:
  """Trains a network as `run` says, going on from the latest checkpoint in its folder.

  The same settings give the same weights on CPU, and the same curve but for its times, however
  often the run was stopped or killed, unless `max_minutes` is set: then they depend on the clock;
  or `data_service`: then on the order in which its workers are done.

  Args:
    run: all settings.
    clock: seconds, rising.
    stop: asked between calls of the inner loop; once it is true, the run is saved and ends.
  Raises:
    FileNotFoundError: if the records are missing.
    ValueError: if the settings do not fit the records, the network, the devices, the weights of
      init_from, or the run that is in the folder already; another process trains in it; a record
      is bad, or with on_bad_record=skip too many are.
    OSError: if the folder cannot be written, nothing answers at the address of `data_service`, or
      another worker does not come, or is lost.
    FloatingPointError: if the loss, its gradient, or a weight that is to be saved, is not finite.
  """
  entry = registry.configured(run.model)
  run = _with_loss(run, entry)
  manifest = manifest_lib.load(run.input.records, damaged=run.input.on_bad_record == "skip")
  _check_crops(run, entry, manifest)
  hosts = hosts_lib.join(run.train, run.train.strategy)
  _check_batch(run, hosts.strategy.num_replicas_in_sync)
  # First: a run that cannot start leaves no folder that looks like one to be continued.
  network = _network(run, hosts.strategy, entry)
  alone = occupied.occupying(run.train.logdir) if hosts.writes else contextlib.nullcontext()
  with alone, hosts.saving_folder(run.train.logdir) as saved_in:
    result = _train(run, clock, stop, hosts, entry, manifest, network, saved_in)
  if result.trained:
    # Nobody leaves before the chief has saved: a worker that ends early is one that was lost.
    hosts.check_agree({"the last step": result.step}, _SHARED)
  if not hosts.writes:
    # What this worker saved is gone by the time anybody could look for it.
    result = dataclasses.replace(result, checkpoint=saved_weights.latest(run.train.logdir))
  return result


def _network(run, strategy, entry):
  keras.utils.set_random_seed(run.train.seed)
  with strategy.scope():
    with precision.of_layers(run.train.precision):
      network = entry.build(run.model.width, run.model.residual)
    if run.train.init_from and not checkpoints_lib.is_begun(run.train.logdir):
      initialization.initialize(network, run.train.init_from)
  return network


def _train(run, clock, stop, hosts, entry, manifest, network, saved_in):
  strategy = hosts.strategy
  replicas = strategy.num_replicas_in_sync
  _prepare_folder(run, hosts)
  run = _limited(run, manifest)
  with strategy.scope():
    optimizer = optimization.create(run.train, network.trainable_variables)
    rules = optimization.rules(run.train, network, optimization.is_compiled(run.train))
    checkpoints = checkpoints_lib.Checkpoints(
      run.train.logdir,
      network,
      optimizer,
      rules.state,
      keep=run.train.keep_checkpoints,
      about={"run": dataclasses.asdict(run)},
      saved_in=saved_in,
    )
  found = checkpoints.restore()
  first_step = int(checkpoints.step.numpy())
  hosts.check_agree({"the step to go on from": first_step}, _SHARED)
  best = best_lib.restored(run.train.best_metric, checkpoints.notes.get("best"))
  done = session.share_done(run.train, first_step, float(checkpoints.seconds.numpy()))
  if found:
    ended = session.ended(run.train, found, checkpoints, best)
    if ended is not None:
      return ended

  with (
    reporter_lib.Reporter(run.train.logdir, done, first_step)
    if hosts.writes
    else hosts_lib.Silent()
  ) as reporter:
    reporter.describe(run, strategy)
    reporter.note(
      f"{entry.name}: {network.count_params():,} parameters; batches of {run.input.batch_size} "
      f"over {replicas} replica(s) on {hosts.count} host(s); {manifest.count('train')} training "
      f"tiles; {'going on from' if found else 'starting at'} step {first_step}."
    )
    waited = waiting.Waited()
    loss = losses.get(run.train.loss)
    steps = step_lib.training_steps(
      strategy, network, optimizer, loss, entry, run.input.batch_size, rules, waited
    )

    def open_at(inputs, step):
      return _batches(hosts, inputs, run.train.seed, manifest, step)

    batches = crop_stages.Batches(run.input, run.train.early_crop_sizes, open_at)
    with bad_input.named_in_training(run, manifest):
      batches.at(first_step, done)
    with bad_input.named_in_evaluation(run, manifest):
      watch = watch_lib.Watch(judged.restorers(run, entry, network, rules), run, manifest)

    def call(step, done, count, rate):
      with bad_input.named_in_training(run, manifest), hosts.lost_are_named():
        optimizer.learning_rate.assign(rate)
        totals = steps(batches.at(step, done), tf.constant(count, tf.int32))
        return step_lib.Totals(*(float(value) for value in totals))

    profiled = profiling.Profiled(
      call, run.train.logdir, run.train.profile_steps if hosts.writes else 0, reporter.note
    )
    with contextlib.closing(profiled):
      parts = session.Parts(
        call=profiled,
        watch=watch,
        gauges=gauges.Gauges(waited.since, network),
        stop=stop,
        origin=lambda step: not_finite.origin(
          run, manifest, replicas, step, hosts.index, hosts.count
        ),
        clock=clock,
      )
      return session.Session(run, hosts, checkpoints, best, reporter, parts).run()


def _check_crops(run, entry, manifest):
  sizes = crop_stages.sizes(run.input, run.train.early_crop_sizes)
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


def _check_batch(run, replicas):
  if run.input.batch_size % replicas:
    raise ValueError(
      f"batch_size must be a multiple of the {replicas} replicas, got {run.input.batch_size}."
    )
  if run.input.batch_size // replicas % run.train.accumulate_steps:
    raise ValueError(
      f"batch_size must be a multiple of accumulate_steps, {run.train.accumulate_steps}, on each "
      f"of the {replicas} replicas, got {run.input.batch_size}."
    )


def _prepare_folder(run, hosts):
  hosts.check_agree(
    hosts_lib.settings_to_agree_on(run), "Start all with the same flags but --worker_index."
  )
  try:
    if not hosts.writes:
      train_settings.check_continues(run)
      return
    train_settings.check_continues(run)
    train_settings.save(run)
  except OSError as error:
    raise OSError(
      f"logdir {run.train.logdir} cannot be written: {error.strerror}. Choose another --logdir."
    ) from error


def _with_loss(run, entry):
  """Returns the settings with the network's own loss, if none is named."""
  train_config = dataclasses.replace(run.train, loss=run.train.loss or entry.loss)
  return dataclasses.replace(run, train=train_config)


def _limited(run, manifest):
  """Returns the settings with as many steps as max_epochs leaves."""
  if not run.train.max_epochs:
    return run
  crops = run.train.max_epochs * dataset_lib.crops_per_epoch(run.input, manifest)
  steps = math.ceil(crops / run.input.batch_size)
  train_config = dataclasses.replace(run.train, max_steps=min(run.train.max_steps, max(steps, 1)))
  return dataclasses.replace(run, train=train_config)


def _batches(hosts, inputs, seed, manifest, first_step):
  """Returns the batches of each replica, entering the stream where the run left it."""

  def host_batches(context):
    replicas = context.num_replicas_in_sync // context.num_input_pipelines
    return dataset_lib.training_dataset(
      inputs,
      manifest,
      seed,
      batch_size=context.get_per_replica_batch_size(inputs.batch_size),
      first_batch=first_step * replicas,
      host=context.input_pipeline_id,
      hosts=context.num_input_pipelines,
      floats=False,  # The step makes them, where a batch has arrived as bytes.
    )

  return feeding.batches(hosts, host_batches)
