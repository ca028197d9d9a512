"""Has the shards of a plan written, on this machine or on a cluster."""

from collections.abc import Callable, Sequence
import logging
import os
import posixpath
import re
from typing import Any

from deblock.records import quiet
from deblock.records.layout import files
from deblock.records.planning import config as config_lib
from deblock.records.planning import plan
from deblock.records.writing import progress, shard

# A worker process takes some seconds to start: as long as this many bytes take to write.
_WORTH_A_PROCESS_BYTES = 256 * 2**20


def worker_count(workers: int, shards: int, total_bytes: float) -> int:
  """Returns the number of processes that write, never more than there are shards.

  Args:
    workers: as asked for; 0 lets the job decide: one for each core, but no more than the records'
      size repays.
    shards: to be written.
    total_bytes: of all records, about.
  """
  if not workers:
    workers = min(os.cpu_count() or 1, 1 + int(total_bytes // _WORTH_A_PROCESS_BYTES))
  return max(1, min(workers, shards))


def run(
  shards: Sequence[plan.ShardPlan],
  config: config_lib.RecordsConfig,
  workers: int,
  pipeline_options: Any = None,
  on_progress: Callable[[progress.Progress], None] | None = None,
) -> tuple[shard.ShardResult, ...]:
  """Writes those shards that are not finished yet, and returns the results of all.

  Args:
    shards: of a plan.
    config: with an absolute folder, as workers may have another working folder.
    workers: local processes.
    pipeline_options: Beam's PipelineOptions, to run elsewhere.
    on_progress: see `progress.watch`.
  Raises:
    RuntimeError: if the pipeline fails or a shard was not written; the message holds the cause.
  """
  missing = [item for item in shards if shard.finished(item, config, config.records) is None]
  with progress.watch(shards, config, on_progress):
    if missing:
      _run_pipeline(missing, config, min(workers, len(missing)), pipeline_options)
  results = []
  for item in shards:
    result = shard.finished(item, config, config.records)
    if result is None:
      path = posixpath.join(config.records, item.name)
      raise RuntimeError(f"{path} was not written though the pipeline succeeded.")
    results.append(result)
  return tuple(results)


def _run_pipeline(shards, config, workers, pipeline_options):
  # Beam takes seconds to import, which a program's --help should not wait for.
  with quiet.everything():
    import apache_beam as beam

    from deblock.records.writing import beam_steps

  folder = posixpath.join(config.records, shard.SIDECARS)
  paths = tuple(shard.save_plan(item, folder) for item in shards)
  if pipeline_options is None:
    pipeline = beam_steps.local_pipeline(workers)
  else:
    pipeline = beam.Pipeline(options=pipeline_options)
  _ = pipeline | "WriteRecords" >> beam_steps.WriteShards(paths, config)
  try:
    # Beam logs the traceback of what a worker raises, which comes to us as an error anyway.
    with quiet.logger("apache_beam", logging.CRITICAL):
      pipeline.run().wait_until_finish()
  except Exception as error:  # Every runner raises a kind of its own.
    raise RuntimeError(
      f"{_cause(error)}. Finished shards are kept: the same command goes on from there."
    ) from error
  for path in paths:
    files.remove(path)


def _cause(error):
  """Returns what a worker raised as one line, out of the traceback that runners make of it."""
  lines = [line for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
  without_step = re.sub(r" \[while running .*\]$", "", lines[-1].strip())
  return re.sub(r"^([\w.]+\.)?\w+(Error|Exception): ", "", without_step).rstrip(".")
