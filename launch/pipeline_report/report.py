"""The reports of deblock-pipeline: speed, crops, and bad records of an input pipeline."""

from collections.abc import Callable, Iterator
import pathlib
import resource
import sys

import numpy as np
from PIL import Image

from deblock.launch.pipeline_report import crop_sheet, settings, stage_times
from deblock.pipeline import bad_records, batch, dataset
from deblock.pipeline import config as input_config
from deblock.records.layout import manifest as manifest_lib
from deblock.records.layout import own_files


def benchmark(
  config: input_config.InputConfig,
  manifest: manifest_lib.Manifest,
  report: settings.ReportConfig,
  measure: Callable = stage_times.measure,
) -> str:
  """Returns the table of `stage_times`, and the peak memory of the process.

  Args:
    config: of the pipeline.
    manifest: of the records.
    report: seconds, threads and seed.
    measure: as `stage_times.measure`.
  Raises:
    BadRecordError: if the stream meets a bad record.
  """
  with _naming(config, manifest):
    stages = dataset.prefixes(config, manifest, report.seed)
    *_, last = stages
    crops = dict.fromkeys(stages, config.crops_per_tile) | {last: config.batch_size}
    limited = {
      name: stage_times.limit_threads(stage, report.threads) for name, stage in stages.items()
    }
    measured = measure(limited, crops, report.seconds)
  # Kilobytes on Linux, bytes on macOS.
  scale = 2**20 if sys.platform == "darwin" else 2**10
  peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale
  return f"{stage_times.table(measured, config.crop_size)}\nmemory: {peak:.0f} MiB at most"


def show(
  config: input_config.InputConfig, manifest: manifest_lib.Manifest, report: settings.ReportConfig
) -> None:
  """Draws the first crops of the stream into the file that `report.show` names.

  Raises:
    BadRecordError: if the stream meets a bad record.
    FileExistsError: if a file is there that no program of deblock wrote.
    OSError: if the file cannot be written.
  """
  own_files.check(report.show)
  with _naming(config, manifest):
    batches = dataset.training_dataset(config, manifest, report.seed)
    needed = -(-report.rows // config.batch_size)
    made = list(batches.take(needed).as_numpy_iterator())
  parts = (np.concatenate(part)[: report.rows] for part in zip(*made, strict=True))
  sheet = Image.fromarray(crop_sheet.crop_sheet(batch.Batch(*parts)))
  try:
    pathlib.Path(report.show).parent.mkdir(parents=True, exist_ok=True)
    with own_files.writing(report.show) as stream:
      sheet.save(stream, "PNG")
  except OSError as error:
    raise OSError(f"show {report.show} cannot be written: {error.strerror or error}.") from error


def check(
  config: input_config.InputConfig, manifest: manifest_lib.Manifest
) -> Iterator[bad_records.Problem]:
  """Yields the bad records of all splits. The test split is checked by the rules of evaluation.

  Raises:
    OSError: if a shard cannot be opened.
  """
  for split in manifest.splits:
    rules = bad_records.Rules(manifest.clean_encoding, qualities=config.qualities)
    if split == "train":
      rules = bad_records.rules_of(config, manifest.clean_encoding)
    counts = [shard.count for shard in manifest.filled_shards(split)]
    paths = manifest.shard_paths(split)
    good = bad_records.good_records(paths, counts, rules)
    yield from bad_records.problems(paths, good, rules)


def count(problems: list[bad_records.Problem]) -> int:
  """Returns the number of records in problems."""
  return sum(problem.last - problem.first + 1 for problem in problems)


def _naming(config, manifest):
  """Returns a context whose error names the first bad record, where one stops the stream."""
  rules = bad_records.rules_of(config, manifest.clean_encoding)
  return bad_records.explained(
    manifest.folder, lambda error: bad_records.first_stored(manifest, "train", rules)
  )
