"""Training on damaged records: what is said, and what is trained on."""

import dataclasses
import pathlib
import shutil

import pytest
import tensorflow as tf

from deblock.launch.training import bad_input, loop
from deblock.pipeline import bad_records
from deblock.records.layout import manifest as manifest_lib


@pytest.fixture
def damaged(records, tmp_path):
  """The function (split, spoil) -> (folder, shard): a copy of the records with a spoilt shard.

  Its manifest is what a writer of that shard would have written, unless `resized` is said.
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


def test_a_record_that_stops_a_run_is_named(tiny, small_run, damaged, damaging):
  folder, path = damaged("train", lambda path: damaging.spoil(path, 1, "no JPEG"))
  run = small_run(model=tiny, max_steps=40, records=folder, evaluate_every_steps=0)
  with pytest.raises(bad_records.BadRecordError, match=rf"{path}, record 1: .*on_bad_record=skip"):
    loop.train(run)


def test_a_run_that_a_checksum_stopped_goes_on_without_the_rest_of_the_shard(
  tiny, small_run, damaged, damaging
):
  count = []

  def spoil(path):
    count.append(len(damaging.read(path)))
    damaging.flip(path, count[0] - 1)

  folder, path = damaged("train", spoil)
  settings = {"model": tiny, "records": folder, "max_steps": 8}
  with pytest.raises(bad_records.BadRecordError, match=rf"{path}, record {count[0] - 1}: corrupt"):
    loop.train(small_run(**settings))
  skipping = {**settings, "on_bad_record": "skip"}
  with pytest.raises(bad_records.BadRecordError, match=r"1 of \d+ .* max_bad_share = 0\.01 allows"):
    loop.train(small_run(**skipping))
  assert loop.train(small_run(**skipping, max_bad_share=0.2)).step == 8


def test_an_error_without_a_step_is_explained_by_the_first_bad_record(
  tiny, small_run, damaged, damaging
):
  folder, path = damaged("train", lambda path: damaging.spoil(path, 0, "no JPEG"))
  run = small_run(model=tiny, records=folder, data_service="grpc://localhost:1")
  with (
    pytest.raises(bad_records.BadRecordError, match=rf"{path}, record 0: "),
    bad_input.named_in_training(run, manifest_lib.load(folder)),
  ):
    raise tf.errors.InvalidArgumentError(None, None, "Invalid JPEG data")


def test_a_truncated_shard_is_refused_or_used_to_where_it_ends(tiny, small_run, damaged, damaging):
  folder, path = damaged("train", lambda path: damaging.truncate(path, 3), resized=True)
  settings = {"model": tiny, "records": folder, "max_steps": 4}
  with pytest.raises(ValueError, match=f"{path} is truncated or replaced"):
    loop.train(small_run(**settings))
  assert loop.train(small_run(**settings, on_bad_record="skip", max_bad_share=0.9)).step == 4


@pytest.mark.parametrize("mode", ["stop", "skip"])
def test_a_bad_record_to_evaluate_on_stops_a_run_either_way(
  tiny, small_run, damaged, damaging, mode
):
  folder, path = damaged("test", lambda path: damaging.spoil(path, 0, "half a JPEG"))
  message = rf"{path}, record 0: .*Invalid JPEG data.* none is left out\."
  with pytest.raises(bad_records.BadRecordError, match=message):
    loop.train(small_run(model=tiny, records=folder, on_bad_record=mode))


def test_damage_that_comes_after_the_check_says_to_start_again(
  tiny, small_run, damaged, damaging, monkeypatch
):
  folder, path = damaged("train", lambda path: None)
  watch = loop.watch_lib.Watch

  def damage_then_watch(*arguments):
    damaging.flip(path, 0)
    return watch(*arguments)

  monkeypatch.setattr(loop.watch_lib, "Watch", damage_then_watch)
  message = (
    rf"{folder} was damaged after it was checked at the start: corrupted record at \d+. Start again"
  )
  with pytest.raises(bad_records.BadRecordError, match=message):
    loop.train(small_run(model=tiny, records=folder, on_bad_record="skip"))
