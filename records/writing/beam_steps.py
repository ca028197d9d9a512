"""The Beam pipeline that writes shards, and Beam on this machine."""

from collections.abc import Iterator
import os
import sys

import apache_beam as beam
from apache_beam.options import pipeline_options
from apache_beam.runners.portability.fn_api_runner import fn_runner
from apache_beam.transforms import environments

from deblock.records.planning import config as config_lib
from deblock.records.writing import shard

_NAMESPACE = "deblock.records"


class WriteShardFn(beam.DoFn):
  """Writes each planned shard, unless it is finished, and yields its name and number of tiles.

  Counts `tiles`, `skipped_images` and `shards`.
  """

  def __init__(self, config: config_lib.RecordsConfig):
    """Keeps plain values only, so that workers can unpickle the function."""
    super().__init__()
    self._config = config

  def process(self, element: str) -> Iterator[tuple[str, int]]:
    """Writes the shard whose plan is in the file of that path."""
    result = shard.write_shard(shard.load_plan(element), self._config, self._config.records)
    for name, amount in (
      ("shards", 1),
      ("tiles", result.shard.count),
      ("skipped_images", len(result.skipped)),
    ):
      beam.metrics.Metrics.counter(_NAMESPACE, name).inc(amount)
    yield result.shard.file, result.shard.count


class WriteShards(beam.PTransform):
  """From the start of a pipeline to the name and number of tiles of every shard."""

  def __init__(self, plan_paths: tuple[str, ...], config: config_lib.RecordsConfig):
    """Takes the paths of the shards' plans, and the configuration that names the folder."""
    super().__init__()
    self._plan_paths = plan_paths
    self._config = config

  def expand(self, input_or_inputs: beam.Pipeline) -> beam.PCollection[tuple[str, int]]:
    """Returns the collection of results. No element holds a record or a list of images."""
    return (
      input_or_inputs
      | "ListShards" >> beam.Create(self._plan_paths)
      # Without it the whole list is one bundle, and one worker writes every shard.
      | "SpreadShards" >> beam.Reshuffle()
      | "WriteShards" >> beam.ParDo(WriteShardFn(self._config))
    )


def local_pipeline(workers: int) -> beam.Pipeline:
  """Returns an empty pipeline whose steps run on this machine.

  Args:
    workers: processes; 1 means this process, 0 one for each core.
  """
  workers = workers or os.cpu_count() or 1
  environment = None
  if workers > 1:
    # The workers of the runner's "multi_processing" log every step to the terminal. `beam_worker`
    # starts the same kind of process without that. "exec" replaces the shell, so that the worker
    # is a child of this process.
    environment = environments.SubprocessSDKEnvironment.from_command_string(
      f'exec "{sys.executable}" -m deblock.records.beam_worker'
    )
  options = pipeline_options.PipelineOptions.from_dictionary({"direct_num_workers": workers})
  return beam.Pipeline(runner=fn_runner.FnApiRunner(environment), options=options)
