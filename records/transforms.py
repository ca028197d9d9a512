"""Beam steps that write shards: thin shells round `shard.write_shard`."""

from collections.abc import Iterator

import apache_beam as beam

from deblock.records import config as config_lib
from deblock.records import plan, shard

_NAMESPACE = "deblock.records"


class WriteShardFn(beam.DoFn):
  """Writes each planned shard, or finds it finished, and yields its ShardResult.

  Counts `tiles`, `skipped_images` and `shards`.
  """

  def __init__(self, config: config_lib.RecordsConfig, folder: str):
    """Keeps plain values only, so that the function travels to any worker."""
    super().__init__()
    self._config = config
    self._folder = folder

  def process(self, element: plan.ShardPlan) -> Iterator[shard.ShardResult]:
    """Yields the result of one shard."""
    result = shard.write_shard(element, self._config, self._folder)
    for name, amount in (
      ("shards", 1),
      ("tiles", result.shard.count),
      ("skipped_images", len(result.skipped)),
    ):
      beam.metrics.Metrics.counter(_NAMESPACE, name).inc(amount)
    yield result


class WriteShards(beam.PTransform):
  """From a pipeline's start to the ShardResult of every shard of a plan."""

  def __init__(self, shards: tuple[plan.ShardPlan, ...], config: config_lib.RecordsConfig):
    """Takes the shards of a plan, and the configuration that names the folder."""
    super().__init__()
    self._shards = shards
    self._config = config

  def expand(self, input_or_inputs: beam.Pipeline) -> beam.PCollection[shard.ShardResult]:
    """Returns the collection of results; no record itself ever is an element."""
    return (
      input_or_inputs
      | "ListShards" >> beam.Create(self._shards)
      # Without it the whole list would be one bundle, and one worker would write every shard.
      | "SpreadShards" >> beam.Reshuffle()
      | "WriteShards" >> beam.ParDo(WriteShardFn(self._config, self._config.records))
    )
