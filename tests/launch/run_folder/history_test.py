import json
import math
import pathlib

import pytest

from deblock.launch.run_folder import history


def _fill(folder, steps, first_step=0, series=history.MAIN):
  made = history.History(str(folder), first_step)
  for step in steps:
    made.append(history.Entry(step, series, {"train/loss": 1.0 / step}))
  made.close()
  return made


def test_what_is_written_is_read_back(tmp_path):
  entries = [
    history.Entry(2, history.MAIN, {"train/loss": 0.5, "train/gain_db": -0.25}),
    history.Entry(2, "averaged", {"eval/gain_db/q10": 1e-9}),
    history.Entry(4, history.MAIN, {}, history.STOPPED, "the loss is nan"),
  ]
  made = history.History(str(tmp_path))
  for entry in entries:
    made.append(entry)
    assert history.read(str(tmp_path)) == made.entries, "visible at once"
  made.close()
  assert made.entries == entries
  for line in (tmp_path / history.FILE).read_text().splitlines():
    assert isinstance(json.loads(line)["step"], int)


def test_what_is_not_finite_is_written_as_json_knows_it_and_drawn_nowhere(tmp_path):
  made = history.History(str(tmp_path))
  made.append(history.Entry(1, history.MAIN, {"psnr": math.inf, "loss": math.nan, "gain": 0.5}))
  made.close()
  text = (tmp_path / history.FILE).read_text()
  assert json.loads(text, parse_constant=pytest.fail)["psnr"] is None
  assert history.curves(history.read(str(tmp_path))) == {"gain": [(1, 0.5)]}


def test_a_run_that_goes_on_forgets_what_it_will_log_again(tmp_path):
  _fill(tmp_path, [1, 2, 3, 4])
  made = _fill(tmp_path, [3], first_step=2)
  assert [entry.step for entry in made.entries] == [1, 2, 3]
  assert history.read(str(tmp_path)) == made.entries
  assert [path.name for path in tmp_path.iterdir()] == [history.FILE]


def test_a_run_that_goes_on_is_no_longer_at_its_end(tmp_path):
  made = _fill(tmp_path, [1, 2])
  made = history.History(str(tmp_path), 2)
  made.append(history.Entry(2, history.MAIN, {}, history.FINISHED))
  made.close()
  assert history.read(str(tmp_path))[-1].state == history.FINISHED
  assert not any(entry.state for entry in _fill(tmp_path, [3], first_step=2).entries)


def test_a_line_that_a_kill_cut_off_is_left_out(tmp_path):
  made = _fill(tmp_path, [1, 2, 3])
  path = tmp_path / history.FILE
  whole = path.read_bytes()
  for cut in (1, 5, 20):
    path.write_bytes(whole[:-cut])
    found = history.read(str(tmp_path))
    # Without its newline alone, the line still says everything.
    assert found == made.entries[: 3 if cut == 1 else 2]
  assert [entry.step for entry in _fill(tmp_path, [3], first_step=2).entries] == [1, 2, 3]
  assert path.read_bytes() == whole


@pytest.mark.parametrize(
  "line", ["nonsense", "[1]", "{}", '{"step": "x"}', '{"step": 1, "a": "b"}']
)
def test_a_damaged_line_is_named(tmp_path, line):
  _fill(tmp_path, [1, 2])
  with (tmp_path / history.FILE).open("a") as stream:
    stream.write(f"{line}\n")
  with pytest.raises(ValueError, match=r"metrics.jsonl, line 3"):
    history.read(str(tmp_path))


def test_curves_are_of_one_series(tmp_path):
  _fill(tmp_path, [1, 2])
  _fill(tmp_path, [4], first_step=9, series="averaged")
  entries = history.read(str(tmp_path))
  assert history.curves(entries) == {"train/loss": [(1, 1.0), (2, 0.5)]}
  assert history.curves(entries, "averaged") == {"train/loss": [(4, 0.25)]}


def test_a_run_without_the_file_has_logged_nothing(tmp_path):
  assert history.read(str(tmp_path)) == []
  assert history.read(str(pathlib.Path(tmp_path) / "nowhere")) == []
