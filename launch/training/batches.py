"""The batches of a run: crops of each stage's size for every replica, and errors by record."""

from typing import Any

import tensorflow as tf

from deblock.launch.machines import feeding
from deblock.launch.machines import hosts as hosts_lib
from deblock.launch.settings import crop_stages
from deblock.launch.settings import train as train_settings
from deblock.launch.training import record_errors
from deblock.pipeline import config as input_config
from deblock.pipeline import dataset
from deblock.records.layout import manifest as manifest_lib


class Batches:
  """Batches in the order of the run, from the step where it starts or resumes.

  Args:
    run: all settings.
    hosts: the machines.
    manifest: of the records.
    first_step: steps taken before.
    done: share of the run that is over, 0 to 1.
  Raises:
    ValueError: as `dataset.training_dataset`; BadRecordError, which is one, for a bad record.
  """

  def __init__(
    self,
    run: train_settings.RunConfig,
    hosts: hosts_lib.Hosts,
    manifest: manifest_lib.Manifest,
    first_step: int,
    done: float,
  ):
    self._run, self._hosts, self._manifest = run, hosts, manifest
    self._inputs: input_config.InputConfig | None = None
    self._iterator: Any = None
    with self.errors_named():
      self.at(first_step, done)

  def at(self, step: int, done: float) -> Any:
    """Returns the iterator of the following batches; opens a new one where the crop size changes.

    Args:
      step: steps taken.
      done: share of the run that is over, 0 to 1.
    """
    run = self._run
    inputs = crop_stages.inputs_at(run.input, run.optimization.early_crop_sizes, done)
    if inputs != self._inputs:
      self._inputs = inputs
      self._iterator = open_iterator(self._hosts, inputs, run.train.seed, self._manifest, step)
    return self._iterator

  def errors_named(self):
    """Returns a context that raises BadRecordError for an error that a bad record caused."""
    return record_errors.named_in_training(self._run, self._manifest)

  def origin(self, step: int) -> str:
    """Returns a sentence that names the records of the batch after `step` steps."""
    hosts = self._hosts
    replicas = hosts.strategy.num_replicas_in_sync
    return record_errors.origin(self._run, self._manifest, replicas, step, hosts.index, hosts.count)


def open_iterator(
  hosts: hosts_lib.Hosts,
  inputs: input_config.InputConfig,
  seed: int,
  manifest: manifest_lib.Manifest,
  first_step: int,
) -> Any:
  """Returns the iterator of every replica's batches from a step on."""

  def host_batches(context: tf.distribute.InputContext) -> tf.data.Dataset:
    replicas = context.num_replicas_in_sync // context.num_input_pipelines
    return dataset.training_dataset(
      inputs,
      manifest,
      seed,
      batch_size=context.get_per_replica_batch_size(inputs.batch_size),
      first_batch=first_step * replicas,
      host=context.input_pipeline_id,
      hosts=context.num_input_pipelines,
      floats=False,  # The step converts them, after a batch has travelled as bytes.
    )

  return feeding.batches(hosts, host_batches)
