import json
import pathlib
import shutil

import pytest

from deblock.records.layout import inspection, manifest


@pytest.fixture
def folder(records, tmp_path):
  """A copy of the shared records that a test may change."""
  return pathlib.Path(shutil.copytree(records.records, tmp_path / "copy"))


def _problems(folder):
  return list(inspection.problems(manifest.load(folder)))


def test_whole_records_have_no_problem_and_every_shard_is_looked_at(folder):
  seen = []
  made = manifest.load(folder)
  assert list(inspection.problems(made, seen.append)) == []
  assert seen == [entry.file for entries in made.splits.values() for entry in entries]


def test_every_flipped_byte_is_found(folder):
  entry = manifest.load(folder).splits["train"][0]
  path = folder / entry.file
  good = path.read_bytes()
  for place in (0, 9, 20, len(good) // 2, len(good) - 1):
    path.write_bytes(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :])
    (problem,) = _problems(folder)
    assert f"{entry.file} is damaged after" in problem
    assert f"of {entry.count} records" in problem


def test_a_record_too_few_is_found(folder):
  path = folder / manifest.NAME
  content = json.loads(path.read_text())
  content["splits"]["train"][1]["count"] += 1
  path.write_text(json.dumps(content))
  count = content["splits"]["train"][1]["count"]
  (problem,) = _problems(folder)
  assert problem.endswith(f"has {count - 1} records, manifest.json says {count}.")


def test_the_sample_comes_from_all_splits(folder):
  made = manifest.load(folder)
  tiles = list(inspection.sample(made, 4))
  assert {split for split, _ in tiles} == set(made.splits)
  assert len({value.key for _, value in tiles}) == len(tiles) >= 4
  assert all(value.qualities == made.qualities for _, value in tiles)
