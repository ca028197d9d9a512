import dataclasses
import pathlib
import shutil

from absl import logging
import numpy as np
import pytest

from deblock.pipeline import bad_records, dataset, held_out, leaving_out, pairs
from deblock.pipeline import config as config_lib

COUNTS = [5, 4, 6]


def _config(**changes):
  settings = {
    "batch_size": 4,
    "crop_size": 24,
    "crops_per_tile": 4,
    "mixed_tiles": 2,
    "shuffled_tiles": 4,
    "on_bad_record": "skip",
    "max_bad_share": 0.5,
  }
  return config_lib.InputConfig(**{**settings, **changes})


def _take(config, manifest, count, **options):
  batches = dataset.training_dataset(config, manifest, 1, **options)
  return list(batches.take(count).as_numpy_iterator())


def _assert_equal(ours, theirs):
  assert len(ours) == len(theirs) > 0
  for one, other in zip(ours, theirs, strict=True):
    for part, expected in zip(one, other, strict=True):
      np.testing.assert_array_equal(part, expected)


@pytest.fixture(scope="module")
def first_shard_lost(tmp_path_factory, write_records, damaging):
  """Records whose first shard holds nothing good, and the same without that shard."""
  made = write_records(tmp_path_factory.mktemp("lost"), {"train": [2, 3, 1]}).manifest
  damaging.flip(made.shard_paths("train")[0], 0)
  return made, dataclasses.replace(made, splits={"train": made.splits["train"][1:]})


@pytest.fixture(scope="module")
def damaged(tmp_path_factory, write_records, damaging):
  """Fifteen records, six of them bad, and the same without these six."""
  whole = write_records(tmp_path_factory.mktemp("whole"), {"train": COUNTS})
  folder = tmp_path_factory.mktemp("folders")
  bad = shutil.copytree(whole.manifest.folder, folder / "bad")
  first, second, third = sorted(bad.glob("deblock-train*"))
  damaging.spoil(first, 0, "no JPEG")
  damaging.spoil(first, 3, "another schema")
  damaging.spoil(first, 4, "quality 101")
  damaging.flip(second, 2)
  damaging.spoil(third, 2, "half a JPEG")
  kept = {first: (1, 2), second: (0, 1), third: (0, 1, 3, 4, 5)}
  without = folder / "without"
  without.mkdir()
  for path, numbers in kept.items():
    stored = damaging.read(pathlib.Path(whole.manifest.folder) / path.name)
    damaging.write(without / path.name, [stored[number] for number in numbers])
  return [_relocated(whole.manifest, place) for place in (bad, without)]


def _relocated(manifest, folder):
  counts = {"bad": COUNTS, "without": [2, 2, 5]}[folder.name]
  return type(manifest)(
    manifest.settings,
    {
      "train": tuple(
        type(shard)(shard.file, count, shard.size_bytes)
        for shard, count in zip(manifest.splits["train"], counts, strict=True)
      )
    },
    (),
    (),
    folder=str(folder),
  )


def test_the_stream_is_that_of_a_folder_without_the_bad_records(damaged):
  bad, without = damaged
  _assert_equal(_take(_config(), bad, 20), _take(_config(on_bad_record="stop"), without, 20))


@pytest.mark.parametrize(
  "settings", [{}, {"sampling": "pairs", "held_out_pairs": 0.3}], ids=["crops", "pairs"]
)
def test_a_shard_without_a_good_record_is_as_if_it_were_not_there(first_shard_lost, settings):
  bad, without = first_shard_lost
  ours = _take(_config(**settings), bad, 12)
  _assert_equal(ours, _take(_config(**settings, on_bad_record="stop"), without, 12))


def test_good_records_give_the_stream_that_they_give_unchecked(records):
  checked = _take(_config(), records.manifest, 16)
  _assert_equal(checked, _take(_config(on_bad_record="stop"), records.manifest, 16))


# Nine good records: an epoch ends within a window of two tiles, every second one of them.
def test_the_stream_round_bad_records_can_be_entered_anywhere(damaged):
  bad, _ = damaged
  whole = _take(_config(), bad, 24)
  for position in (1, 18):
    _assert_equal(_take(_config(), bad, 3, first_batch=position), whole[position : position + 3])


def test_pairs_are_numbered_without_the_bad_records(damaged):
  bad, without = damaged
  settings = {"sampling": "pairs", "held_out_pairs": 0.4}
  ours = _take(_config(**settings), bad, 3)
  _assert_equal(ours, _take(_config(**settings, on_bad_record="stop"), without, 3))
  expected = pairs.held_out_records(without, 0.4)
  found = held_out.tiles(_config(**settings), bad, 100)
  assert len(list(found)) == len(list(expected)) == 3


def test_bad_records_are_logged_one_by_one_and_counted(damaged, monkeypatch):
  bad, _ = damaged
  said = []
  monkeypatch.setattr(logging, "warning", lambda words, *values: said.append(words % values))
  paths = bad.shard_paths("train")
  shards = leaving_out.good_shards(_config(), bad)
  assert shards.counts == (2, 2, 5)
  assert [line.partition(": ")[2].split(":")[0] for line in said[:5]] == [
    f"{paths[0]}, record 0",
    f"{paths[0]}, record 3",
    f"{paths[0]}, record 4",
    f"{paths[1]}, records 2 to 3",
    f"{paths[2]}, record 2",
  ]
  assert said[5:] == [f"6 of 15 training records of {bad.folder} are bad and skipped"]
  said.clear()
  monkeypatch.setattr(leaving_out, "_MOST_LOGGED", 2)
  leaving_out.good_shards(_config(), bad)
  assert len(said) == 3
  assert said[2].endswith("are bad and skipped, 4 of them not listed here")


def test_too_large_a_share_of_bad_records_stops(damaged):
  bad, _ = damaged
  message = (
    r"6 of 15 training records are bad, more than max_bad_share = 0\.39 allows. The first: "
    r".*00000-of-00003, record 0: .*--check names every bad record"
  )
  with pytest.raises(bad_records.BadRecordError, match=message):
    dataset.training_dataset(_config(max_bad_share=0.39), bad, 0)
  dataset.training_dataset(_config(max_bad_share=0.4), bad, 0)


def test_nothing_is_read_ahead_unless_it_is_asked_for(records):
  missing = dataclasses.replace(records.manifest, folder="/missing")
  assert leaving_out.good_shards(_config(on_bad_record="stop"), missing).count == 7
