"""Training on damaged records: which record is named, and which ones are skipped."""

import dataclasses
import pathlib
import shutil

import pytest
import tensorflow as tf

from deblock.launch.machines import hosts as hosts_lib
from deblock.launch.training import batches as batches_lib
from deblock.launch.training import loop, record_errors, watch
from deblock.pipeline import bad_records
from deblock.records.layout import manifest as manifest_lib


@pytest.fixture
def damaged(records, tmp_path):
  """The function (split, spoil) -> (folder, shard): a copy of the records with a damaged shard.

  Its manifest has the size of the damaged shard, unless `resized` is true.
  """

  def make(split, spoil, resized=False):
    folder = shutil.copytree(records, tmp_path / "damaged")
    made = manifest_lib.load(folder)
    path = made.shard_paths(split)[0]
    spoil(path)
    if not resized:
      size = pathlib.Path(path).stat().st_size
      shards = [
        dataclasses.replace(made.splits[split][0], size_bytes=size),
        *made.splits[split][1:],
      ]
      splits = {**made.splits, split: tuple(shards)}
      manifest_lib.save(str(folder), dataclasses.replace(made, splits=splits))
    return str(folder), path

  return make


def _read(run, steps):
  """Makes the batches of some steps, as training does, without a network."""
  hosts = hosts_lib.Hosts(tf.distribute.OneDeviceStrategy("/cpu:0"))
  manifest = manifest_lib.load(run.input.records, damaged=run.input.on_bad_record == "skip")
  batches = batches_lib.Batches(run, hosts, manifest, 0, 0.0)
  for step in range(steps):
    with batches.errors_named():
      next(batches.at(step, 0.0))


def test_a_record_that_stops_a_run_is_named(tiny, small_run, damaged, damaging):
  folder, path = damaged("train", lambda path: damaging.spoil(path, 1, "no JPEG"))
  run = small_run(model=tiny, max_steps=40, records=folder, evaluate_every_steps=0)
  with pytest.raises(bad_records.BadRecordError, match=rf"{path}, record 1: .*on_bad_record=skip"):
    loop.train(run)


def test_after_a_bad_checksum_a_run_can_continue_without_the_rest_of_the_shard(
  small_run, damaged, damaging
):
  count = []

  def spoil(path):
    count.append(len(damaging.read(path)))
    damaging.flip(path, count[0] - 1)

  folder, path = damaged("train", spoil)
  with pytest.raises(bad_records.BadRecordError, match=rf"{path}, record {count[0] - 1}: corrupt"):
    _read(small_run(records=folder), 40)
  skipping = {"records": folder, "on_bad_record": "skip"}
  with pytest.raises(bad_records.BadRecordError, match=r"1 of \d+ .* max_bad_share = 0\.01 allows"):
    _read(small_run(**skipping), 1)
  _read(small_run(**skipping, max_bad_share=0.2), 40)


def test_a_bad_record_is_found_wherever_the_error_came_from(small_run, damaged, damaging):
  folder, path = damaged("train", lambda path: damaging.spoil(path, 0, "no JPEG"))
  served = small_run(records=folder, data_service="grpc://localhost:1")
  with (
    pytest.raises(bad_records.BadRecordError, match=rf"{path}, record 0: "),
    record_errors.named_in_training(served, manifest_lib.load(folder)),
  ):
    raise tf.errors.InvalidArgumentError(None, None, "Invalid JPEG data")


def test_an_error_that_no_record_explains_stays(small_run, records):
  with (
    pytest.raises(tf.errors.InvalidArgumentError, match="something else"),
    record_errors.named_in_training(small_run(), manifest_lib.load(records)),
  ):
    raise tf.errors.InvalidArgumentError(None, None, "something else")


def test_a_truncated_shard_is_refused_or_used_up_to_its_end(small_run, damaged, damaging):
  folder, path = damaged("train", lambda path: damaging.truncate(path, 3), resized=True)
  with pytest.raises(ValueError, match=f"{path} is truncated or replaced"):
    _read(small_run(records=folder), 1)
  _read(small_run(records=folder, on_bad_record="skip", max_bad_share=0.9), 8)


@pytest.mark.parametrize("mode", ["stop", "skip"])
def test_a_bad_record_to_evaluate_on_stops_a_run_either_way(small_run, damaged, damaging, mode):
  folder, path = damaged("test", lambda path: damaging.spoil(path, 0, "half a JPEG"))
  run, manifest = small_run(records=folder, on_bad_record=mode), manifest_lib.load(folder)
  message = rf"{path}, record 0: .*Invalid JPEG data"
  with (
    pytest.raises(bad_records.BadRecordError, match=message) as error,
    record_errors.named_in_evaluation(run, manifest),
  ):
    watch.Watch(dict, run, manifest)
  assert "on_bad_record=skip" not in str(error.value)


def test_damage_after_the_check_says_to_start_again(small_run, damaged, damaging):
  folder, path = damaged("train", lambda path: None)
  run = small_run(records=folder, on_bad_record="skip")
  hosts = hosts_lib.Hosts(tf.distribute.OneDeviceStrategy("/cpu:0"))
  batches = batches_lib.Batches(run, hosts, manifest_lib.load(folder), 0, 0.0)
  damaging.flip(path, 0)
  message = (
    rf"{folder} was damaged after it was checked at the start: corrupted record at \d+. Start again"
  )
  with pytest.raises(bad_records.BadRecordError, match=message), batches.errors_named():
    for step in range(40):
      next(batches.at(step, 0.0))
