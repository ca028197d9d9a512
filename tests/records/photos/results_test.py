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


def test_a_list_is_read_on_from_where_it_was_read(tmp_path, monkeypatch):
  path = tmp_path / results.NAME
  for number in range(3):
    results.add(tmp_path / f"{number}.png")
  assert len(results.load(tmp_path)) == 3
  read = []
  parse = results._read_line
  monkeypatch.setattr(
    results, "_read_line", lambda line, found: read.append(line) or parse(line, found)
  )
  results.add(tmp_path / "3.png")
  assert len(results.load(tmp_path)) == 4 and len([line for line in read if line.strip()]) == 1
  # The rest of a line that was read too early, a list that was cut, and one that was replaced.
  with path.open("ab") as stream:
    stream.write(b'\n{"name": ')
    stream.flush()
    assert len(results.load(tmp_path)) == 4
    stream.write(b'"4.png"}')
  assert len(results.load(tmp_path)) == 5
  path.write_bytes(b'{"name": "a"}')
  assert set(results.load(tmp_path)) == {"a"}
  path.unlink()
  assert results.load(tmp_path) == {}


def test_only_a_file_is_a_list(tmp_path):
  os.mkfifo(tmp_path / results.NAME)
  with pytest.raises(OSError, match="it is a pipe, not a regular file"):
    results.load(tmp_path)
  with pytest.raises(OSError, match="No such device"):
    results.add(tmp_path / "a.png")
