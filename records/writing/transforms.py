"""Beam steps that write shards: thin shells round `shard.write_shard`."""

from collections.abc import Iterator

import apache_beam as beam

from deblock.records.planning import config as config_lib
from deblock.records.planning import plan_files
from deblock.records.writing import shard

_NAMESPACE = "deblock.records"


class WriteShardFn(beam.DoFn):
  """Writes each planned shard, or finds it finished, and yields its name and number of tiles.

  Counts `tiles`, `skipped_images` and `shards`.
  """

  def __init__(self, config: config_lib.RecordsConfig):
    """Keeps plain values only, so that the function travels to any worker."""
    super().__init__()
    self._config = config

  def process(self, element: str) -> Iterator[tuple[str, int]]:
    """Writes the shard whose plan is in the file of that path."""
    result = shard.write_shard(plan_files.load(element), self._config, self._config.records)
    for name, amount in (
      ("shards", 1),
      ("tiles", result.shard.count),
      ("skipped_images", len(result.skipped)),
    ):
      beam.metrics.Metrics.counter(_NAMESPACE, name).inc(amount)
    yield result.shard.file, result.shard.count


class WriteShards(beam.PTransform):
  """From a pipeline's start to the name and number of tiles of every shard."""

  def __init__(self, plan_paths: tuple[str, ...], config: config_lib.RecordsConfig):
    """Takes the paths of the shards' plans, and the configuration that names the folder."""
    super().__init__()
    self._plan_paths = plan_paths
    self._config = config

  def expand(self, input_or_inputs: beam.Pipeline) -> beam.PCollection[tuple[str, int]]:
    """Returns the collection of results; no record and no list of images ever is an element."""
    return (
      input_or_inputs
      | "ListShards" >> beam.Create(self._plan_paths)
      # Without it the whole list would be one bundle, and one worker would write every shard.
      | "SpreadShards" >> beam.Reshuffle()
      | "WriteShards" >> beam.ParDo(WriteShardFn(self._config))
    )
