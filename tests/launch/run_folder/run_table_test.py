import csv
import dataclasses
import io
import os
import pathlib

import pytest

from deblock.launch.run_folder import checkpoints, history, run_file, run_table

NOW = 1e9


@pytest.fixture
def make(tmp_path, small_settings):
  """The function (name, entries, age, **settings) that leaves a run in a folder of runs."""

  def write(name, entries=(), age=0.0, **settings):
    folder = tmp_path / "runs" / name
    folder.mkdir(parents=True)
    run_file.save(small_settings(logdir=str(folder), max_steps=100, **settings))
    if entries:
      made = history.History(str(folder))
      for entry in entries:
        made.append(entry)
      made.close()
      os.utime(folder / history.FILE, (NOW - age, NOW - age))
    return folder

  return write


def _trained(step, minutes=0.5):
  return history.Entry(step, history.MAIN, {"train/minutes": minutes, "train/loss": 0.1})


def _evaluated(step, q10, q20, series=history.MAIN):
  gains = {"eval/gain_db/q10": q10, "eval/gain_db/q20": q20}
  return history.Entry(step, series, {**gains, "eval/gain_db/mean": (q10 + q20) / 2})


def _ended(step, state, reason=""):
  return history.Entry(step, history.MAIN, {}, state, reason)


def _cells(tmp_path, style="csv"):
  text = run_table.table(run_table.find(str(tmp_path / "runs"), NOW), style)
  return list(csv.DictReader(io.StringIO(text)))


def test_runs_are_sorted_by_their_best_gain_and_show_what_differs(make, tmp_path):
  make("narrow", [_trained(50), _evaluated(50, 0.5, 0.1), _evaluated(100, 0.2, 0.2)], width=8)
  make("deep/wide", [_trained(90, 2.25), _evaluated(90, 1.0, 0.0)], width=16)
  wide, narrow = _cells(tmp_path)
  assert wide == {
    "run": "deep/wide",
    "state": "running?",
    "step": "90",
    "of": "100",
    "minutes": "2.2",
    "width": "16",
    "held-out gain dB": "+0.500",
    "at step": "90",
    "q10": "+1.000",
    "q20": "+0.000",
  }
  # Its best evaluation, though not its last.
  assert [narrow[name] for name in ("run", "held-out gain dB", "at step", "q10")] == (
    ["narrow", "+0.300", "50", "+0.500"]
  )


def test_the_best_weights_may_be_others_than_those_that_are_trained(make, tmp_path):
  make("run", [_evaluated(50, 0.5, 0.5), _evaluated(50, 0.7, 0.5, "averaged")])
  (found,) = _cells(tmp_path)
  assert (found["held-out gain dB"], found["at step"]) == ("+0.600", "50 averaged")


@pytest.mark.parametrize(
  ("entries", "age", "state", "note"),
  [
    ([_trained(100), _ended(100, history.FINISHED)], 1e6, "finished", ""),
    (
      [_trained(50), _ended(50, history.STOPPED, "the loss is nan")],
      0,
      "stopped",
      "the loss is nan",
    ),
    ([_trained(50)], 60, "running?", ""),
    ([_trained(50)], 3600, "stopped", "ended without an entry, as if killed"),
  ],
)
def test_the_state_is_what_the_run_said_or_how_long_it_has_been_silent(
  make, tmp_path, entries, age, state, note
):
  make("run", entries, age)
  (run,) = run_table.find(str(tmp_path / "runs"), NOW)
  assert (run.state, run.note, run.best) == (state, note, None)


DEEP = "[" * 100_000 + "]" * 100_000


@pytest.mark.parametrize(
  ("file", "text", "reason"),
  [
    (history.FILE, "x\n", "metrics.jsonl, line 2 is not JSON"),
    (
      history.FILE,
      '{"step": Infinity}\n',
      "metrics.jsonl, line 2 cannot be used: it holds a number",
    ),
    (
      history.FILE,
      f'{{"step": {DEEP}}}\n',
      "line 2 cannot be used: it holds brackets nested deeper",
    ),
    (
      history.FILE,
      '{"step": -5}\n',
      "metrics.jsonl, line 2: step must be a whole number from 0 to",
    ),
    (history.FILE, '{"step": "7"}\n', 'got "7"'),
    (history.FILE, '{"step": 7, "train/loss": "low"}\n', 'line 2: "train/loss" must be a number'),
    (history.FILE, '{"step": 7, "a": 1' + "0" * 400 + "}\n", "a number of 401 digits"),
    (run_file.FILE, "{", "run.json is not JSON"),
    (run_file.FILE, DEEP, "run.json cannot be used: it holds brackets nested deeper than 16"),
    (run_file.FILE, '{"model": {"width": "7"}, "input": {}, "train": {}}', "width must be a whole"),
    (run_file.FILE, '{"model": {"a": 7}, "input": {}, "train": {}}', 'a run has no settings "a"'),
    (run_file.FILE, '{"model": {}, "input": {}, "train": {"max_minutes": 1e999}}', "1e999"),
  ],
)
def test_a_damaged_run_is_named_and_the_others_are_shown(make, tmp_path, file, text, reason):
  make("good", [_evaluated(50, 0.5, 0.5)])
  with (make("bad", [_trained(9)]) / file).open("a" if file == history.FILE else "w") as stream:
    stream.write(text)
  good, bad = _cells(tmp_path)
  assert good["state"] == "running?" and good["note"] == ""
  assert bad["state"] == "damaged" and bad["run"] == "bad"
  assert reason in bad["note"] and len(bad["note"]) < 250


def test_a_run_without_figures_is_as_far_as_its_checkpoint(make, tmp_path):
  folder = make("old") / checkpoints.FOLDER
  folder.mkdir()
  (folder / "checkpoint").write_text('model_checkpoint_path: "ckpt-70"\n')
  (folder / "ckpt-70.index").touch()
  make("new")
  new, old = _cells(tmp_path)
  assert (old["step"], old["state"], new["step"]) == ("70", "stopped", "0")
  assert "has no metrics.jsonl" in old["note"]


def test_settings_that_change_no_figure_are_not_compared(make, tmp_path):
  make("one", [_trained(9)], profile_steps=2, log_every_steps=2)
  make("two", [_trained(9)], profile_steps=4, log_every_steps=4, qualities=(10, 20))
  names = set(_cells(tmp_path)[0])
  assert names == {
    "run",
    "state",
    "step",
    "of",
    "minutes",
    "qualities",
    "held-out gain dB",
    "at step",
  }


def test_text_is_aligned_and_markdown_a_table(make, tmp_path):
  make("a", [_evaluated(5, -10.0, 0.0)], model="blockcnn")
  make("b|c", [_evaluated(50, 0.5, 0.5)], model="blockcnn_kodak", residual=False)
  runs = run_table.find(str(tmp_path / "runs"), NOW)
  head, first, second = run_table.table(runs).splitlines()
  for name in ("held-out gain dB", "q10", "step"):
    end = head.index(name) + len(name)
    assert first[end - 1].isdigit() and second[end - 1].isdigit()
  assert head.index("model") == first.index("blockcnn_kodak") == second.index("blockcnn")
  lines = run_table.table(runs, "markdown").splitlines()
  assert [cell.strip() for cell in lines[2].split(" | ")[:2]] == [r"| b\|c", "running?"]
  assert {line.replace(r"\|", "").count("|") for line in lines} == {lines[0].count("|")}


def test_a_folder_may_be_a_run_itself(make):
  folder = make("mine", [_trained(9)])
  (run,) = run_table.find(str(folder), NOW)
  assert run.name == "mine"


def test_a_folder_without_runs_is_an_error(tmp_path):
  with pytest.raises(FileNotFoundError, match=r"holds no run: .* has a run\.json"):
    run_table.find(str(tmp_path))
  with pytest.raises(FileNotFoundError, match="nowhere is not a folder"):
    run_table.find(str(pathlib.Path(tmp_path) / "nowhere"))


def test_another_format_is_refused():
  with pytest.raises(ValueError, match="format must be one of text, csv, markdown, got 'html'"):
    run_table.RunsConfig(format="html")
  assert dataclasses.asdict(run_table.RunsConfig()) == {"format": "text", "text": False}
