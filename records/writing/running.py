"""Runs the Beam pipeline that writes the shards of a plan, on this machine or on a cluster."""

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

# A worker process takes some seconds to start, in which one process writes this many bytes.
_WORTH_A_PROCESS_BYTES = 256 * 2**20


def worker_count(workers: int, shards: int, total_bytes: float) -> int:
  """Returns the number of processes that write, at most one for each shard.

  Args:
    workers: from the flag; 0 means one for each core, but fewer for small records.
    shards: number of shards to write.
    total_bytes: estimated size of all records.
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
  """Writes the shards that are not finished, and returns the results of all.

  Args:
    shards: of a plan.
    config: with an absolute folder, as workers can have another working folder.
    workers: number of local processes.
    pipeline_options: Beam's PipelineOptions, to use another runner.
    on_progress: see `progress.watch`.
  Raises:
    RuntimeError: if the pipeline fails or a shard was not written; the message has the cause.
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
  # Imported here because it takes seconds, and --help does not need it.
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
    # Beam logs a worker's traceback, and raises the error as well.
    with quiet.logger("apache_beam", logging.CRITICAL):
      pipeline.run().wait_until_finish()
  except Exception as error:  # Each runner raises errors of its own.
    raise RuntimeError(
      f"{_cause(error)}. Finished shards are kept: run the same command again to resume."
    ) from error
  for path in paths:
    files.remove(path)


def _cause(error):
  """Returns a worker's error as one line, from the traceback in a runner's error."""
  lines = [line for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
  without_step = re.sub(r" \[while running .*\]$", "", lines[-1].strip())
  return re.sub(r"^([\w.]+\.)?\w+(Error|Exception): ", "", without_step).rstrip(".")
