"""A set of files with work that only counts; what restoring does is tested in launch/restoring."""

import pathlib

import pytest

from deblock.launch.file_sets import outcomes, runner, set_config

DONE = "counted"


def _work(do):
  return runner.Work("deblock-count", "count", DONE, ".txt", "", lambda config, log: do)


def _counted(job, on_pixels):
  on_pixels(3)
  return outcomes.Outcome(job.path, DONE, 3, f"{job.target}: 3", str(job.target))


@pytest.fixture
def folder(tmp_path, monkeypatch):
  """A folder of three files that are named as images; the work is done in this process."""
  monkeypatch.setattr(runner, "Apart", runner.Here)
  images = tmp_path / "images"
  images.mkdir()
  for name in "abc":
    (images / f"{name}.png").touch()
  return images


def test_every_file_has_its_line_and_its_place(folder, tmp_path):
  lines = []
  config = set_config.SetConfig(out=str(tmp_path / "out"), suffix="-x")
  made = runner.run(_work(_counted), [str(folder), "nowhere"], config, lines.append)
  assert [outcome.status for outcome in made] == [outcomes.FAILED, DONE, DONE, DONE]
  places = {pathlib.Path(outcome.target).name for outcome in made[1:]}
  assert places == {"a-x.txt", "b-x.txt", "c-x.txt"}
  assert lines[0] == f"counted: {folder / 'a.png'} -> {tmp_path / 'out' / 'a-x.txt'}: 3"


def test_without_names_the_program_says_what_to_name(tmp_path):
  config = set_config.SetConfig(out=str(tmp_path))
  with pytest.raises(ValueError, match=r"name what to count, .*: deblock-count IN\.\.\. --out=DIR"):
    runner.run(_work(_counted), [], config)


def test_ctrl_c_says_how_many_are_done(folder, tmp_path):
  def stopped(job, on_pixels):
    if job.path.endswith("c.png"):
      raise KeyboardInterrupt
    return _counted(job, on_pixels)

  with pytest.raises(runner.Interrupted, match=r"^2 of 3 files are done$") as interrupted:
    runner.run(_work(stopped), [str(folder)], set_config.SetConfig(out=str(tmp_path / "out")))
  assert len(interrupted.value.made) == 2
