import shutil

import numpy as np
from PIL import Image
import pytest
import tensorflow as tf

from deblock.launch.pipeline_report import crop_sheet, settings, stage_times
from deblock.launch.pipeline_report import report as pipeline_report
from deblock.pipeline import bad_records, dataset
from deblock.pipeline import batch as batch_lib
from deblock.pipeline import config as input_config
from deblock.records.layout import manifest as manifest_lib
from deblock.records.photos import results

STORED = ["read", "parse, decode", "turn, cut", "mix, batch, float"]
ONLINE = ["read", "parse", "turn, cut", "compress", "mix, batch, float"]


def _config(records, **changes):
  settings = {"batch_size": 4, "crops_per_tile": 2, "mixed_tiles": 4}
  return input_config.InputConfig(records=records, **{**settings, **changes})


def _report(**changes):
  return settings.ReportConfig(**{"check": True, **changes})


@pytest.mark.parametrize(
  ("change", "message"),
  [
    ({"check": False}, r"there is nothing to do: give --benchmark, --show=FILE\.png or --check"),
    ({"show": "sheet.jpg"}, r"show must name a PNG file, got 'sheet\.jpg'"),
    ({"seconds": 0.0}, r"seconds must be positive, got 0\.0"),
    ({"seconds": float("nan")}, "seconds must be positive, got nan"),
    ({"threads": -1}, "threads must be at least 0, got -1"),
    ({"rows": 0}, "rows must be at least 1, got 0"),
    ({"seed": -1}, "seed must be at least 0, got -1"),
  ],
)
def test_a_broken_rule_is_named(change, message):
  with pytest.raises(ValueError, match=message):
    _report(**change)


@pytest.mark.parametrize(("changes", "names"), [({}, STORED), ({"degradation": "online"}, ONLINE)])
def test_every_stage_is_measured_and_the_last_one_is_the_training_stream(records, changes, names):
  manifest = manifest_lib.load(records)
  config = _config(records, **changes)
  seen = {}

  def measure(stages, crops_per_element, seconds):
    assert seconds == 0.5
    *tiles, whole = names
    assert crops_per_element == dict.fromkeys(tiles, 2) | {whole: 4}
    for name, stage in stages.items():
      seen[name] = next(iter(stage.take(1)))
    return [stage_times.StageTime(name, 10, index + 1.0, 1.0) for index, name in enumerate(stages)]

  text = pipeline_report.benchmark(config, manifest, _report(seconds=0.5), measure)
  assert list(seen) == names
  assert f"limited by: {names[0]}" in text
  assert int(text.splitlines()[-1].removeprefix("memory: ").split()[0]) > 50
  (expected,) = dataset.training_dataset(config, manifest, 0).take(1)
  for part, other in zip(seen[names[-1]], expected, strict=True):
    np.testing.assert_array_equal(part, other)
  cut = seen["turn, cut"]
  if changes:
    assert len(cut) == 2
  else:  # A Batch, whose images are lists of references to crops.
    lengths = [int(tf.raw_ops.TensorListLength(input_handle=crops)) for crops in cut[:2]]
    assert lengths == [2, 2]


def test_pairs_are_measured_as_a_whole(tmp_path, records):
  manifest = manifest_lib.load(records)
  manifest = type(manifest)(**{**vars(manifest), "settings": {**manifest.settings, "tile_size": 0}})
  stages = dataset.prefixes(_config(records, sampling="pairs"), manifest, 0)
  assert list(stages) == ["mix, batch, float"]


def test_the_sheet_shows_the_first_crops_of_the_stream(tmp_path, records):
  manifest = manifest_lib.load(records)
  path = tmp_path / "new" / "sheet.png"
  report = _report(show=str(path), rows=6, seed=3)
  pipeline_report.show(_config(records), manifest, report)
  made = list(dataset.training_dataset(_config(records), manifest, 3).take(2).as_numpy_iterator())
  crops = batch_lib.Batch(*(np.concatenate(part)[:6] for part in zip(*made, strict=True)))
  with Image.open(path) as picture:
    np.testing.assert_array_equal(np.asarray(picture), crop_sheet.crop_sheet(crops))
  assert set(results.load(path.parent)) == {"sheet.png"}


def test_a_picture_that_cannot_be_written_is_named(tmp_path, records):
  taken = tmp_path / "taken"
  taken.write_text("a file")
  report = _report(show=str(taken / "sheet.png"), rows=1)
  with pytest.raises(OSError, match=rf"show {taken}/sheet\.png cannot be written"):
    pipeline_report.show(_config(records), manifest_lib.load(records), report)


@pytest.mark.slow
def test_the_program_checks_draws_and_measures(tmp_path, records, damaging, program):
  folder = shutil.copytree(records, tmp_path / "damaged")
  path = manifest_lib.load(folder).shard_paths("train")[0]
  stored = len(damaging.read(path))
  damaging.flip(path, stored - 2)
  sheet = tmp_path / "sheet.png"
  done = program(
    *("inspect_pipeline", f"--records={folder}", "--check", f"--show={sheet}", "--rows=1"),
    *("--benchmark", "--seconds=0.01", "--threads=1", "--batch_size=4", "--mixed_tiles=4"),
    *("--degradation=online", "--on_bad_record=skip", "--max_bad_share=0.5"),
  )
  assert done.returncode == 1, done.stderr
  bad, count, drawn, _, *stages, whole, limit, memory = done.stdout.splitlines()
  assert bad.startswith(f"bad: {path}, records {stored - 2} to {stored - 1}: corrupted record at")
  assert count.startswith("2 of ") and count.endswith(" records are bad.")
  assert drawn == f"crops: {sheet}" and sheet.exists()
  assert [line.split("  ")[0] for line in stages] == ONLINE
  assert [line.partition(": ")[0] for line in (whole, limit, memory)] == [
    "whole",
    "limited by",
    "memory",
  ]


def test_a_bad_record_that_stops_the_measurement_is_named(tmp_path, records, damaging):
  folder = shutil.copytree(records, tmp_path / "damaged")
  manifest = manifest_lib.load(folder)
  path = manifest.shard_paths("train")[0]
  damaging.flip(path, 0)
  with pytest.raises(bad_records.BadRecordError, match=rf"{path}, records 0 to \d+: corrupted"):
    pipeline_report.show(_config(str(folder)), manifest, _report(show="never.png"))
