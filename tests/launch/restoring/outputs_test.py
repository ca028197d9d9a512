import os
import pathlib

import numpy as np
from PIL import Image
import pytest

from deblock.launch.restoring import outputs


def _save(path):
  path.parent.mkdir(parents=True, exist_ok=True)
  Image.fromarray(np.full((8, 8, 3), 99, np.uint8)).save(path)
  return path


@pytest.fixture
def folder(tmp_path):
  """A folder with a.jpg, b.png and sub/c.webp."""
  for name in ("a.jpg", "b.png", "sub/c.webp"):
    _save(tmp_path / "in" / name)
  return tmp_path / "in"


def _plan(patterns, out, suffix="", overwrite=False):
  jobs, refused = outputs.plan([str(p) for p in patterns], str(out), suffix, ".png", overwrite)
  return {(pathlib.Path(job.path).name, job.target.relative_to(out)) for job in jobs}, refused


def _pairs(**names):
  return {(source.replace("_", "."), pathlib.Path(target)) for source, target in names.items()}


def test_names_and_folders_are_kept(folder, tmp_path):
  expected = _pairs(a_jpg="a.png", b_png="b.png", c_webp="sub/c.png")
  assert _plan([folder], tmp_path / "out") == (expected, [])
  # A file that is named twice is one job.
  assert _plan([folder / "a.jpg", folder], tmp_path / "out") == (expected, [])
  assert _plan([folder / "*.jpg"], tmp_path / "out", "-new") == (_pairs(a_jpg="a-new.png"), [])


def test_results_of_earlier_runs_are_no_inputs(folder):
  out = folder / "out"
  expected = _pairs(a_jpg="a.png", b_png="b.png", c_webp="sub/c.png")
  assert _plan([folder], out)[0] == expected
  _save(out / "a.png")
  assert _plan([folder], out) == (expected, [])
  # But whoever names them means them.
  jobs, _ = _plan([out / "a.png"], folder / "other")
  assert jobs == _pairs(a_png="a.png")


def test_a_suffix_keeps_results_beside_their_inputs(folder):
  expected = _pairs(a_jpg="a_r.png", b_png="b_r.png", c_webp="sub/c_r.png")
  assert _plan([folder], folder, "_r") == (expected, [])
  _save(folder / "a_r.png")
  assert _plan([folder], folder, "_r") == (expected, [])


def test_no_result_goes_beside_or_over_its_input_unless_asked(folder):
  jobs, refused = _plan([folder], folder)
  assert not jobs and len(refused) == 3
  reasons = {pathlib.Path(item.path).name: item.reason for item in refused}
  assert "would take its place" in reasons["b.png"]
  assert "beside it under the same name" in reasons["a.jpg"]
  jobs, refused = _plan([folder], folder, overwrite=True)
  assert jobs == _pairs(a_jpg="a.png", b_png="b.png", c_webp="sub/c.png") and not refused


def test_a_result_never_takes_another_inputs_place(folder):
  _save(folder / "a.png")
  jobs, refused = _plan([folder], folder, overwrite=True)
  assert ("a.jpg", pathlib.Path("a.png")) not in jobs
  ((path, reason),) = refused
  assert path.endswith("a.jpg") and "take the place of the input" in reason


def test_two_results_of_one_name_are_refused(folder, tmp_path):
  _save(folder / "a.tif")
  jobs, refused = _plan([folder], tmp_path / "out")
  assert ("a.jpg", pathlib.Path("a.png")) in jobs
  ((path, reason),) = refused
  assert path.endswith("a.tif") and "as that of" in reason and "a.jpg" in reason


def test_what_is_not_there_is_refused_alone(folder, tmp_path):
  jobs, refused = _plan([tmp_path / "none.jpg", folder / "a.jpg"], tmp_path / "out")
  assert jobs == _pairs(a_jpg="a.png")
  ((path, reason),) = refused
  assert path.endswith("none.jpg") and "no file or folder matches" in reason


def _at(path, seconds):
  os.utime(path, (seconds, seconds))


def test_a_result_is_finished_if_it_is_newer_and_whole(folder, tmp_path):
  job = outputs.Job(str(folder / "a.jpg"), tmp_path / "a.png")
  _at(job.path, 1000)
  assert not outputs.is_finished(job)
  _save(job.target)
  _at(job.target, 1001)
  assert outputs.is_finished(job)
  _at(job.target, 999)
  assert not outputs.is_finished(job)
  data = job.target.read_bytes()
  for damaged in (data[: len(data) // 2], b"", b"text"):
    job.target.write_bytes(damaged)
    assert not outputs.is_finished(job)


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
  target = tmp_path / "new" / "a.png"
  outputs.write(target, b"first")
  assert target.read_bytes() == b"first"

  def full_disk(self, data):
    with self.open("wb") as stream:
      stream.write(data[:2])
    raise OSError(28, "No space left on device")

  monkeypatch.setattr(pathlib.Path, "write_bytes", full_disk)
  with pytest.raises(OSError, match="No space left"):
    outputs.write(target, b"second")
  assert [path.name for path in target.parent.iterdir()] == ["a.png"]
  assert target.read_bytes() == b"first"


def test_sizes_are_told_by_headers(folder, tmp_path):
  assert outputs.pixels(str(folder / "a.jpg")) == 64
  assert outputs.pixels(str(tmp_path / "none")) == 0
