"""Bad records found and named; how they are skipped is in leaving_out_test.py."""

import dataclasses
import re

import pytest
import tensorflow as tf

from deblock.pipeline import bad_records, dataset
from deblock.pipeline import config as config_lib
from deblock.records.layout import schema

RULES = bad_records.Rules("raw", crop_size=24)


def _config(**changes):
  settings = {
    "batch_size": 4,
    "crop_size": 24,
    "crops_per_tile": 4,
    "mixed_tiles": 2,
    "shuffled_tiles": 4,
  }
  return config_lib.InputConfig(**{**settings, **changes})


def _found(paths, counts, rules=RULES):
  good = bad_records.good_records(paths, counts, rules)
  return good, list(bad_records.problems(paths, good, rules))


def _named(made, config, first_batch, batches):
  """Returns the error of a stream of batches, as the loop of a run would raise it."""
  rules = bad_records.rules_of(config, made.manifest.clean_encoding)

  def find(error):
    return bad_records.first_stored(made.manifest, "train", rules)

  with (
    pytest.raises(bad_records.BadRecordError) as caught,
    bad_records.explained(made.manifest.folder, find),
  ):
    entered = dataset.training_dataset(config, made.manifest, 1, first_batch=first_batch)
    list(entered.take(batches))
  assert isinstance(caught.value.__cause__, tf.errors.OpError)
  return str(caught.value)


def test_each_kind_of_bad_record_is_named_with_its_reason(tmp_path, write_records, damaging):
  kinds = list(damaging.KINDS)
  count = len(kinds) + 1
  made = write_records(tmp_path, {"train": [count]})
  (path,) = made.manifest.shard_paths("train")
  for number, kind in enumerate(kinds):
    damaging.spoil(path, number, kind)
  (good,), problems = _found([path], [count])
  assert good.tolist() == [False] * len(kinds) + [True]
  for number, (kind, problem) in enumerate(zip(kinds, problems, strict=True)):
    assert problem[:3] == (path, number, number)
    assert re.search(damaging.KINDS[kind][1], problem.reason), (kind, problem.reason)
    assert str(problem) == f"{path}, record {number}: {problem.reason}"
    assert problem.reason.isprintable() and len(problem.reason) <= 200


def test_what_a_run_has_no_use_for_is_not_held_against_a_record(tmp_path, write_records, damaging):
  made = write_records(tmp_path, {"train": [3]})
  paths = made.manifest.shard_paths("train")
  damaging.spoil(paths[0], 0, "no JPEG")
  damaging.spoil(paths[0], 2, "a small tile")
  online = bad_records.rules_of(_config(degradation="online"), "raw")
  assert _found(paths, [3], online)[0][0].tolist() == [True, True, False]
  pairs = bad_records.rules_of(_config(sampling="pairs"), "raw")
  assert _found(paths, [3], pairs)[0][0].tolist() == [False, True, True]
  wanted = bad_records.rules_of(_config(qualities=(20,)), "raw")
  good, problems = _found(paths, [3], wanted)
  assert not good[0].any()
  assert problems[1].reason == "it stores none of the qualities (20,)"


def test_what_follows_a_wrong_checksum_or_the_end_of_a_file_is_lost(
  tmp_path, write_records, damaging
):
  made = write_records(tmp_path, {"train": [4, 4, 4, 4, 2]})
  paths = made.manifest.shard_paths("train")
  damaging.flip(paths[0], 2)
  damaging.flip(paths[1], 1, offset=-12)  # Its length.
  damaging.truncate(paths[2], 3)
  damaging.truncate(paths[3], 1, offset=-12)  # Where a whole record ends.
  good, problems = _found(paths, [4, 4, 4, 4, 2])
  assert [here.sum() for here in good] == [2, 1, 3, 1, 2]
  assert [tuple(problem[:3]) for problem in problems] == [
    (paths[0], 2, 3),
    (paths[1], 1, 3),
    (paths[2], 3, 3),
    (paths[3], 1, 3),
  ]
  assert "corrupted record at" in problems[0].reason
  assert "records 2 to 3: corrupted" in str(problems[0])
  assert "truncated record at" in problems[2].reason
  assert problems[3].reason == "the file ends before it"


def test_records_beyond_the_manifest_are_not_looked_at(tmp_path, write_records, damaging):
  made = write_records(tmp_path, {"train": [3]})
  paths = made.manifest.shard_paths("train")
  damaging.spoil(paths[0], 2, "no JPEG")
  assert _found(paths, [2])[0][0].tolist() == [True, True]


@pytest.mark.parametrize("kind", ["flip", "no JPEG"])
def test_the_record_that_stops_a_stream_is_named(tmp_path, write_records, damaging, kind):
  made = write_records(tmp_path, {"train": [4, 4, 4]})
  path = made.manifest.shard_paths("train")[1]
  if kind == "flip":
    damaging.flip(path, 2)
    expected = f"{path}, records 2 to 3: corrupted record at "
  else:
    damaging.spoil(path, 2, kind)
    expected = f"{path}, record 2: "
  # Six windows of two batches an epoch: the second epoch fails as the first does.
  for first_batch in (0, 13):
    message = _named(made, _config(), first_batch, 24)
    assert message.startswith(expected)
    assert f"deblock-pipeline --records={tmp_path} --check names every" in message
    assert message.endswith("--on_bad_record=skip skips them.")


def test_an_error_that_no_record_explains_stays_what_it_is():
  with (
    pytest.raises(tf.errors.InvalidArgumentError, match="of another origin"),
    bad_records.explained("folder", lambda error: None),
  ):
    raise tf.errors.InvalidArgumentError(None, None, "of another origin")


def test_the_first_bad_record_of_a_split_is_found(tmp_path, write_records, damaging):
  made = write_records(tmp_path, {"train": [2], "test": [2, 2]})
  paths = made.manifest.shard_paths("test")
  damaging.spoil(paths[1], 1, "no JPEG")
  assert bad_records.first_stored(made.manifest, "train", RULES) is None
  assert bad_records.first_stored(made.manifest, "nothing", RULES) is None
  assert bad_records.first_stored(made.manifest, "test", RULES, limit=3) is None
  assert bad_records.first_stored(made.manifest, "test", RULES)[:2] == (paths[1], 1)


def test_a_shard_that_cannot_be_opened_is_named(tmp_path):
  missing = str(tmp_path / "missing")
  with pytest.raises(OSError, match=f"{missing} cannot be read: .*No such file"):
    bad_records.good_records([missing], [1], RULES)


def test_qualities_out_of_range_stop_the_stream_too(tmp_path, write_records, damaging):
  made = write_records(tmp_path, {"train": [1]})
  (path,) = made.manifest.shard_paths("train")
  damaging.spoil(path, 0, "quality 0")
  (serialized,) = damaging.read(path)
  with pytest.raises(tf.errors.InvalidArgumentError, match=r"qualities .* must be in \[1, 100\]"):
    schema.parse(serialized, "raw")
  one = dataclasses.replace(_config(), crops_per_tile=2)
  with pytest.raises(tf.errors.InvalidArgumentError, match=r"must be in \[1, 100\]"):
    next(iter(dataset.training_dataset(one, made.manifest, 0)))
