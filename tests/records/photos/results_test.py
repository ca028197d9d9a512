import os

import pytest

from deblock.records.photos import results


def test_what_was_added_is_found_oldest_first(tmp_path):
  assert results.load(tmp_path) == {} == results.load(tmp_path / "none")
  results.add(tmp_path / "a.png", input="one", strength=0.5)
  results.add(tmp_path / "b.png")
  results.add(tmp_path / "a.png", input="two")
  found = results.load(tmp_path)
  assert found["a.png"] == [{"input": "one", "strength": 0.5}, {"input": "two"}]
  assert found["b.png"] == [{}]


def test_an_interrupted_line_spoils_no_other(tmp_path):
  results.add(tmp_path / "a.png")
  results.add(tmp_path / "b.png", text="x" * 50)
  path = tmp_path / results.NAME
  path.write_bytes(path.read_bytes()[:-20])
  results.add(tmp_path / "c.png")
  assert set(results.load(tmp_path)) == {"a.png", "c.png"}


@pytest.mark.parametrize("line", ["[]", "1", "null", '{"nome": "a"}', '{"name": []}', "[" * 9999])
def test_lines_of_another_kind_are_skipped(line):
  assert results.parse(f'{line}\n{{"name": "b"}}') == {"b": [{}]}


def test_names_that_are_not_utf8_are_kept(tmp_path):
  name = os.fsdecode(b"caf\xe9.png")
  results.add(tmp_path / name)
  assert list(results.load(tmp_path)) == [name]


def test_a_mark_is_set_once_and_never_fails(tmp_path):
  for _ in range(2):
    results.mark(tmp_path / "a.png")
  assert results.load(tmp_path) == {"a.png": [{}]}
  results.mark(tmp_path / "none" / "a.png")
  results.mark("gs://bucket/a.png")
