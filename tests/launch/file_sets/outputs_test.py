import io
import os
import pathlib
import resource
import stat

import numpy as np
from PIL import Image
import pytest

from deblock.launch.file_sets import outputs
from deblock.records.photos import results


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
  patterns = [str(pattern) for pattern in patterns]
  jobs, refused, _ = outputs.plan(patterns, str(out), suffix, ".png", overwrite)
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


def test_several_folders_keep_their_names(tmp_path):
  for name in ("one/a.jpg", "two/a.jpg", "two/sub/b.jpg", "c.jpg"):
    _save(tmp_path / name)
  out = tmp_path / "out"
  jobs, refused = _plan([tmp_path / "one", tmp_path / "two", tmp_path / "c.jpg"], out)
  assert {str(target) for _, target in jobs} == {
    "one/a.png",
    "two/a.png",
    "two/sub/b.png",
    "c.png",
  }
  assert not refused
  # Where the names are the same, as much of the path is kept as tells them apart.
  _save(tmp_path / "other/two/a.jpg")
  jobs, refused = _plan([tmp_path / "other/two", f"{tmp_path}/two/"], out)
  targets = {str(target) for _, target in jobs}
  assert len(targets) == 3 and "other/two/a.png" in targets and not refused
  # A folder that is named twice is one folder.
  assert _plan([tmp_path / "one", f"{tmp_path}/one/"], out)[0] == _pairs(a_jpg="a.png")


def test_names_that_differ_in_case_are_one_where_the_disk_says_so(tmp_path, monkeypatch):
  for name in ("a.jpg", "A.jpg"):
    _save(tmp_path / "in" / name)
  jobs, refused = _plan([tmp_path / "in"], tmp_path / "out")
  assert len(jobs) == 2 and not refused
  monkeypatch.setattr(outputs, "_ignores_case", lambda folder: True)
  jobs, ((path, reason),) = _plan([tmp_path / "in"], tmp_path / "out")
  assert len(jobs) == 1 and path.endswith("a.jpg") and "as that of" in reason


def test_whether_a_disk_ignores_case_is_found_out(tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  (tmp_path / "out").mkdir()
  assert not outputs._ignores_case("out") and not outputs._ignores_case("none")
  (tmp_path / "OUT").symlink_to(tmp_path / "out")
  assert outputs._ignores_case("out")


def test_what_was_passed_over_is_counted(folder, tmp_path):
  (folder / "film.mov").write_bytes(b"")
  _, _, passed_over = outputs.plan([str(folder)], str(tmp_path / "out"), "", ".png")
  assert passed_over == {".mov": 1}


@pytest.fixture
def job(folder, tmp_path):
  """A job for a.jpg whose result is there."""
  made = outputs.Job(str(folder / "a.jpg"), tmp_path / "out" / "a.png")
  outputs.write(made, _png(1), "digest", {"strength": 0.5})
  return made


def _png(value):
  buffer = io.BytesIO()
  Image.fromarray(np.full((8, 8, 3), value, np.uint8)).save(buffer, "PNG")
  return buffer.getvalue()


def test_a_result_is_finished_if_it_is_of_the_same_input_and_settings(job):
  assert outputs.is_finished(job, "digest", {"strength": 0.5})
  assert not outputs.is_finished(job, "digest", {"strength": 1.0})
  # The input was changed, or the result never made.
  assert not outputs.is_finished(job, "other", {"strength": 0.5})
  assert not outputs.is_finished(job._replace(target=job.target.with_name("b.png")), "digest", {})


def test_a_result_that_was_cut_off_is_not_finished(job):
  data = job.target.read_bytes()
  for damaged in (data[: len(data) // 2], b"", b"text"):
    job.target.write_bytes(damaged)
    assert not outputs.is_finished(job, "digest", {"strength": 0.5})


def test_the_result_of_another_input_is_not_replaced(job, folder):
  other = job._replace(path=str(folder / "b.png"))
  with pytest.raises(FileExistsError, match=r"out/a\.png is the result of \.\./in/a\.jpg: use"):
    outputs.is_finished(other, "other", {"strength": 0.5})
  # The same picture under another name is the same input.
  assert outputs.is_finished(other, "digest", {"strength": 0.5})


def test_a_file_that_is_no_result_is_not_replaced(job):
  job.target.write_bytes(_png(2))
  with pytest.raises(FileExistsError, match=r"a\.png was changed after it was restored: use"):
    outputs.is_finished(job, "digest", {"strength": 0.5})
  stranger = job._replace(target=job.target.with_name("b.png"))
  stranger.target.write_bytes(_png(3))
  with pytest.raises(FileExistsError, match=r"b\.png is there and is no result of this program"):
    outputs.is_finished(stranger, "digest", {})


def test_a_run_that_was_stopped_between_list_and_file_leaves_the_old_result_known(job):
  results.add(job.target, sha256="never written", input="in", input_sha256="x", settings={})
  assert outputs.is_finished(job, "digest", {"strength": 0.5})


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
  job = outputs.Job("a.jpg", tmp_path / "new" / "a.png")
  outputs.write(job, b"first", "", {})
  assert job.target.read_bytes() == b"first"
  limits = resource.getrlimit(resource.RLIMIT_FSIZE)
  resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
  try:
    with pytest.raises(OSError, match="File too large"):
      outputs.write(job, bytes(1_000_000), "", {}, replace=True)
  finally:
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
  assert sorted(path.name for path in job.target.parent.iterdir()) == [results.NAME, "a.png"]
  assert job.target.read_bytes() == b"first"


def test_what_another_process_made_meanwhile_is_kept(job, folder):
  # Both processes found nothing there before they restored.
  other = job._replace(path=str(folder / "b.png"))
  with pytest.raises(FileExistsError, match=r"out/a\.png is the result of \.\./in/a\.jpg"):
    outputs.write(other, _png(2), "other", {"strength": 0.5})
  assert job.target.read_bytes() == _png(1)
  # The same input and settings: one result is as good as the other.
  outputs.write(job, _png(1), "digest", {"strength": 0.5})
  # Other settings: the later one stays, as without another process.
  outputs.write(job, _png(3), "digest", {"strength": 1.0})
  assert job.target.read_bytes() == _png(3)
  assert outputs.is_finished(job, "digest", {"strength": 1.0})


def test_nobody_may_read_a_result_who_may_not_read_its_input(folder, tmp_path):
  path = folder / "a.jpg"
  job = outputs.Job(str(path), tmp_path / "out" / "a.png")
  path.chmod(0o600)
  outputs.write(job, _png(1), "digest", {})
  assert stat.S_IMODE(job.target.stat().st_mode) == 0o600
  # What the user permits afterwards stays permitted.
  job.target.chmod(0o640)
  outputs.write(job, _png(2), "digest", {}, replace=True)
  assert stat.S_IMODE(job.target.stat().st_mode) == 0o640


def test_the_list_of_results_is_not_written_through_a_link(folder, tmp_path):
  (tmp_path / "victim").write_text("precious")
  (tmp_path / "out").mkdir()
  (tmp_path / "out" / results.NAME).symlink_to(tmp_path / "victim")
  with pytest.raises(OSError, match="symbolic links"):
    outputs.write(outputs.Job(str(folder / "a.jpg"), tmp_path / "out" / "a.png"), b"", "", {})
  assert (tmp_path / "victim").read_text() == "precious"
  assert [path.name for path in (tmp_path / "out").iterdir()] == [results.NAME]


def test_a_name_of_every_length_can_be_written(tmp_path):
  name = "x" * 251 + ".png"
  outputs.write(outputs.Job("a.jpg", tmp_path / name), b"data", "", {})
  assert (tmp_path / name).read_bytes() == b"data"
  with pytest.raises(OSError, match="File name too long"):
    outputs.write(outputs.Job("a.jpg", tmp_path / f"x{name}"), b"data", "", {})


def test_a_name_that_is_not_utf8_keeps_its_bytes(tmp_path):
  name = os.fsdecode(b"caf\xe9")
  try:
    _save(tmp_path / "in" / f"{name}.jpg")
  except OSError:
    pytest.skip("this file system takes UTF-8 names only")
  (job,), _, _ = outputs.plan([str(tmp_path / "in")], str(tmp_path / "out"), "", ".png")
  outputs.write(job, b"data", "digest", {})
  assert (tmp_path / "out" / f"{name}.png").read_bytes() == b"data"
  assert outputs.is_finished(job, "digest", {})


def test_a_result_gets_the_times_of_its_input(job):
  os.utime(job.path, (1000, 2000))
  outputs.keep_times(job)
  status = job.target.stat()
  assert (status.st_atime, status.st_mtime) == (1000, 2000)


def test_sizes_are_told_by_headers(folder, tmp_path):
  assert outputs.pixels(str(folder / "a.jpg")) == 64
  assert outputs.pixels(str(tmp_path / "none")) == 0
