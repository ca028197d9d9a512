import json
import os

import pytest

from deblock.launch.file_sets import outcomes
from deblock.records.photos import results

_OUTCOMES = [
  outcomes.Outcome(
    *(
      "a",
      "restored",
      3_000_000,
      "x",
      "out/a.png",
      "quality 30",
      ("16 bits",),
      1.5,
      {"share": 0.25},
    )
  ),
  outcomes.Outcome("b", "skipped", 0, "y", "out/b.png"),
  outcomes.Outcome(os.fsdecode(b"caf\xe9"), "failed", 0, "is empty"),
]


def test_the_table_counts_and_gives_reasons():
  lines = outcomes.table(_OUTCOMES, 2.0, "restored").splitlines()
  assert [line.split() for line in lines[1:4]] == [
    ["restored", "1", "3.0"],
    ["skipped", "1"],
    ["failed", "1"],
  ]
  assert lines[4:] == ["2.0 s, 1.50 megapixels/s", r"failed: caf\xe9: is empty"]


def test_a_report_says_of_each_file_what_became_of_it(tmp_path):
  path = tmp_path / "report.json"
  outcomes.check_report(str(path))
  outcomes.write_report(str(path), _OUTCOMES)
  restored, skipped, failed = json.loads(path.read_text())
  assert restored == {
    "input": "a",
    "output": "out/a.png",
    "status": "restored",
    "pixels": 3_000_000,
    "condition": "quality 30",
    "notes": ["16 bits"],
    "error": "",
    "seconds": 1.5,
    "share": 0.25,
  }
  assert (skipped["status"], skipped["output"], skipped["error"]) == ("skipped", "out/b.png", "")
  assert (failed["input"], failed["error"]) == (r"caf\xe9", "is empty")
  assert {item.name for item in tmp_path.iterdir()} == {path.name, results.NAME}


def test_a_report_that_cannot_be_written_is_refused_before_any_work(tmp_path):
  for path in (tmp_path, tmp_path / "none" / "report.json"):
    with pytest.raises(OSError, match=r"report .* cannot be written: name a file in a folder"):
      outcomes.check_report(str(path))


def test_a_report_replaces_reports_and_nothing_else(tmp_path):
  photograph, path = tmp_path / "photo.jpg", tmp_path / "report.json"
  photograph.write_bytes(b"precious")
  for act in (outcomes.check_report, lambda name: outcomes.write_report(name, _OUTCOMES)):
    with pytest.raises(FileExistsError, match=r"photo\.jpg is there and was not written by"):
      act(str(photograph))
  assert photograph.read_bytes() == b"precious"
  for made in (_OUTCOMES, _OUTCOMES[:1]):
    outcomes.check_report(str(path))
    outcomes.write_report(str(path), made)
    assert len(json.loads(path.read_text())) == len(made)
