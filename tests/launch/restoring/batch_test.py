import os
import pathlib
import re
import shutil
import subprocess
import sys

import numpy as np
from PIL import Image
import pytest
import tifffile

from deblock.launch.file_sets import outputs, result, runner
from deblock.launch.restoring import batch, one_file, restore_config
from deblock.model import pretrained_files, tiling
from deblock.records.photos import formats, original, reading

_CASES = pathlib.Path(__file__).parents[2] / "cases"


# Prints by how many KiB restoring a.jpg raises the most memory that the process has had.
_MEASURING = """
import pathlib, re, sys
import numpy as np
from deblock.launch.file_sets import outputs
from deblock.launch.restoring import batch, one_file, restore_config
from deblock.model import tiling

class Stub:
  def parts(self, compressed, tables):
    for top in range(0, compressed.shape[0], 256):
      for left in range(0, compressed.shape[1], 256):
        window = compressed[top : top + 256, left : left + 256]
        yield tiling.Part(top, left, window / np.float32(255.0))

def most():
  return int(re.search(r"VmHWM:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1])

def restore(name):
  job = outputs.Job(str(folder / name), folder / "out" / (name + ".png"))
  (outcome,) = batch.run([job], Stub(), config)
  facts = outcome.facts
  assert facts["share_of_blocks_kept_close"] is not None, outcome
  assert facts["share_of_coefficients_given_back"] > 0.9, outcome

folder = pathlib.Path(sys.argv[1])
config = restore_config.RestoreConfig(
  out=str(folder / "out"), depth=int(sys.argv[2]), report="report.json"
)
restore("small.jpg")
before = most()
restore("a.jpg")
print(most() - before)
"""


class Stub:
  """A network that adds 20 levels."""

  def parts(self, compressed, tables):
    del tables
    yield tiling.Part(0, 0, compressed / np.float32(255.0) + np.float32(20 / 255))


@pytest.fixture
def config(tmp_path):
  """The function (**changes) -> RestoreConfig that writes to tmp_path/out."""
  return lambda **changes: restore_config.RestoreConfig(out=str(tmp_path / "out"), **changes)


@pytest.fixture
def jobs(tmp_path, picture):
  """Jobs for a.jpg and c.jpg, which are photographs, and b.jpg, which is cut off."""
  made = []
  for number, name in enumerate(("a", "b", "c")):
    path = tmp_path / f"{name}.jpg"
    exif = Image.Exif()
    exif[271], exif[274] = "Maker", 6
    Image.fromarray(picture(24, 40, number)).save(path, quality=30, exif=exif)
    made.append(outputs.Job(str(path), tmp_path / "out" / f"{name}.png"))
  broken = pathlib.Path(made[1].path)
  broken.write_bytes(broken.read_bytes()[:-200])
  return made


def _statuses(outcomes):
  return [outcome.status for outcome in outcomes]


def test_a_broken_file_stops_no_other_and_leaves_no_file(jobs, config):
  told, pixels = [], []
  outcomes = batch.run(jobs, Stub(), config(), pixels.append, told.append)
  assert _statuses(outcomes) == ["restored", "failed", "restored"] and told == outcomes
  assert sum(pixels) == 2 * 24 * 40 == sum(outcome.pixels for outcome in outcomes)
  assert "truncated" in outcomes[1].detail.lower()
  assert sorted(path.name for path in jobs[0].target.parent.glob("[!.]*")) == ["a.png", "c.png"]
  # A second run does what is missing alone.
  first = jobs[0].target.stat().st_mtime_ns
  jobs[2].target.unlink()
  again = batch.run(jobs, Stub(), config())
  assert _statuses(again) == ["skipped", "failed", "restored"]
  assert jobs[0].target.stat().st_mtime_ns == first
  assert _statuses(batch.run(jobs, Stub(), config(overwrite=True)))[0] == "restored"


@pytest.mark.parametrize("metadata", ["keep", "strip"])
def test_the_result_is_upright_with_or_without_metadata(jobs, config, metadata):
  batch.run(jobs[:1], Stub(), config(metadata=metadata, faithful=False))
  with Image.open(jobs[0].path) as before, Image.open(jobs[0].target) as after:
    expected = np.rot90(np.asarray(before), -1).astype(int)
    np.testing.assert_array_equal(np.asarray(after), np.clip(expected + 20, 0, 255))
    tags = after.getexif()
    assert tags.get(274, 1) == 1
    assert (271 in tags) == (metadata == "keep")


def test_notes_are_told(tmp_path, config, picture):
  path = tmp_path / "a.tif"
  Image.fromarray(picture(24, 24)).convert("CMYK").save(path)
  (outcome,) = batch.run([outputs.Job(str(path), tmp_path / "a.png")], Stub(), config())
  assert "no traces of JPEG" in outcome.detail and "CMYK became RGB" in outcome.detail
  assert "coefficients" not in outcome.detail
  (outcome,) = batch.run([outputs.Job(str(path), tmp_path / "b.png")], Stub(), config(quality=50))
  assert "restored freely: it is no JPEG file" in outcome.detail


def _save_large(path):
  Image.new("RGB", (5000, 3000)).save(path)
  return outputs.Job(str(path), path.with_suffix(".out"))


def test_what_is_too_large_is_refused_before_it_is_decoded(tmp_path, config, monkeypatch):
  job = _save_large(tmp_path / "large.png")
  monkeypatch.setattr(Image.Image, "load", None)
  (by_pixels,) = batch.run([job], Stub(), config(max_megapixels=14.9))
  assert "too large: 5000x3000 pixels, more than 14900000" in by_pixels.detail
  (by_memory,) = batch.run([job], Stub(), config(max_memory=256))
  assert "MiB for 5000x3000 pixels, more than --max_memory=256" in by_memory.detail
  assert not job.target.exists()


def test_files_and_metadata_count_towards_the_memory_before_they_are_read(tmp_path, config):
  hole = tmp_path / "hole.png"
  with hole.open("wb") as file:
    file.truncate(2**32)
  (outcome,) = batch.run([outputs.Job(str(hole), tmp_path / "a.png")], Stub(), config())
  assert outcome.detail == (
    "is too large: 4294967296 bytes, more than 1610612736 for a file with --max_memory=2048"
  )
  path = tmp_path / "profile.tif"
  Image.new("RGB", (64, 64)).save(path, icc_profile=bytes(30_000_000))
  job = outputs.Job(str(path), tmp_path / "b.png")
  (outcome,) = batch.run([job], Stub(), config(max_memory=256))
  assert outcome.status == "failed"
  assert re.search(r"64x64 pixels and 300\d{5} bytes of metadata, more than", outcome.detail)
  assert _statuses(batch.run([job], Stub(), config())) == ["restored"]


@pytest.mark.parametrize(
  ("error", "reason"),
  [
    (OSError(28, "No space left on device"), "a.png cannot be written: No space left on device"),
    (MemoryError(), "not enough memory"),
  ],
)
def test_a_failure_to_write_names_the_result(jobs, config, monkeypatch, error, reason):
  def fail(*arguments):
    raise error

  monkeypatch.setattr(outputs, "write", fail)
  (outcome,) = batch.run(jobs[:1], Stub(), config())
  assert outcome.status == "failed" and reason in outcome.detail


def test_files_and_folders_are_restored_with_shipped_weights(jobs, config, tmp_path):
  lines = []
  patterns = [str(tmp_path), str(tmp_path / "none")]
  outcomes = batch.restore(patterns, config(model="fast", format="webp"), lines.append)
  assert sorted(_statuses(outcomes)) == ["failed", "failed", "restored", "restored"]
  assert outcomes[0].path.endswith("none") and "no file or folder" in outcomes[0].detail
  assert sum("quality 30 by its own tables, YCbCr 4:2:0" in line for line in lines) == 2
  with Image.open(tmp_path / "out" / "c.webp") as made:
    assert made.size == (24, 40)


def test_without_names_or_a_place_nothing_is_done(config, tmp_path):
  with pytest.raises(ValueError, match="name what to restore"):
    batch.restore([], config())
  (tmp_path / "out").write_bytes(b"")
  with pytest.raises(OSError, match=r"out cannot be written: .*another --out"):
    batch.restore([str(tmp_path)], config())


def _jpeg(path, pixels, **options):
  Image.fromarray(pixels).save(path, "JPEG", **options)
  return outputs.Job(str(path), path.with_name("out") / path.name)


@pytest.mark.parametrize("metadata", ["keep", "strip"])
def test_a_jpeg_that_is_left_as_it_is_keeps_its_bytes(tmp_path, config, picture, metadata):
  exif = Image.Exif()
  exif[271], exif[274] = "Maker", 6
  job = _jpeg(tmp_path / "a.jpg", picture(24, 40), quality=100, exif=exif)
  chosen = config(format="jpg", metadata=metadata)
  (outcome,) = batch.run([job], Stub(), chosen)
  assert "pixels left as they are; the input's bytes are copied" in outcome.detail
  before, after = pathlib.Path(job.path).read_bytes(), job.target.read_bytes()
  assert (after == before) == (metadata == "keep")
  assert (b"Maker" in after) == (metadata == "keep")
  with Image.open(job.path) as one, Image.open(job.target) as other:
    np.testing.assert_array_equal(np.asarray(one), np.asarray(other))
    assert other.getexif()[274] == 6
  # With nothing of the correction applied, nothing changes either.
  job = _jpeg(tmp_path / "b.jpg", picture(24, 40), quality=30)
  batch.run([job], Stub(), config(format="jpg", strength=0.0))
  assert job.target.read_bytes() == pathlib.Path(job.path).read_bytes()


def test_a_restored_jpeg_is_no_coarser_than_it_was(tmp_path, config, picture):
  job = _jpeg(tmp_path / "a.jpg", picture(24, 40), quality=97, subsampling="4:2:2")
  (outcome,) = batch.run([job], Stub(), config(format="jpg"))
  assert "quality 97" in outcome.detail and "copied" not in outcome.detail
  with Image.open(job.path) as before, Image.open(job.target) as after:
    for number, steps in before.quantization.items():
      assert (np.array(after.quantization[number]) <= steps).all()
    assert after.info["progressive"] and [layer[1:3] for layer in after.layer] == [(1, 1)] * 3


def test_16_bits_hold_more_than_8(tmp_path, picture):
  path = tmp_path / "a.jpg"
  Image.fromarray(picture(24, 40)).save(path, quality=30)
  made = {}
  for depth in (8, 16):
    out = tmp_path / str(depth)
    chosen = restore_config.RestoreConfig(out=str(out), depth=depth, format="tiff", faithful=False)
    batch.run([outputs.Job(str(path), out / "a.tif")], Stub(), chosen)
    made[depth] = tifffile.imread(out / "a.tif")
  assert made[16].dtype == np.uint16
  np.testing.assert_array_equal(np.rint(made[16] / 257.0), made[8])


def test_settings_and_inputs_decide_what_is_finished(tmp_path, config, picture):
  job = _jpeg(tmp_path / "a.jpg", picture(24, 40), quality=30)

  def status(path=job.path, **changes):
    (outcome,) = batch.run([job._replace(path=str(path))], Stub(), config(**changes))
    return outcome.status, outcome.detail

  assert status()[0] == "restored" and status()[0] == "skipped"
  assert status(strength=0.5)[0] == "restored" and status(strength=0.5)[0] == "skipped"
  assert status(model="fast")[0] == "restored"
  (tmp_path / "other").mkdir()
  _jpeg(tmp_path / "other" / "a.jpg", picture(24, 40, 1), quality=30)
  failed, reason = status(tmp_path / "other" / "a.jpg")
  assert failed == "failed" and "a.jpg is the result of ../a.jpg: use another --out" in reason
  assert status(tmp_path / "other" / "a.jpg", overwrite=True)[0] == "restored"
  job.target.write_bytes(b"somebody's notes")
  # Neither an image nor a result that can be known again: it was one, and is made again.
  assert status(tmp_path / "other" / "a.jpg")[0] == "restored"


def test_a_network_is_known_by_what_its_file_holds(tmp_path, config):
  copy = shutil.copy(pretrained_files.network_path("fast"), tmp_path / "mine.onnx")
  named, by_path = (one_file.result_settings(config(model=model)) for model in ("fast", str(copy)))
  assert named == by_path != one_file.result_settings(config())
  pathlib.Path(copy).write_bytes(b"another")
  assert one_file.result_settings(config(model=str(copy))) != named


def test_a_report_has_the_shares_of_blocks_and_coefficients(tmp_path, config, picture):
  job = _jpeg(tmp_path / "a.jpg", picture(48, 64), quality=30)
  (plain,) = batch.run([job], Stub(), config())
  close, given_back = "share_of_blocks_kept_close", "share_of_coefficients_given_back"
  assert 0.0 <= plain.facts[close] <= 1.0 and plain.facts[given_back] is None
  (asked,) = batch.run([job], Stub(), config(report="r.json", overwrite=True))
  assert asked.facts[close] == plain.facts[close] and asked.facts[given_back] > 0.95
  Image.fromarray(picture(48, 64)).save(tmp_path / "b.png")
  job = outputs.Job(str(tmp_path / "b.png"), tmp_path / "out" / "b.png")
  (other,) = batch.run([job], Stub(), config(report="r.json"))
  assert other.facts == {close: None, given_back: None}


@pytest.mark.parametrize("name", sorted(path.name for path in _CASES.iterdir()))
def test_of_every_case_a_whole_file_or_a_reason_comes_out(tmp_path, config, name):
  names = list(formats.FORMATS)
  for format_name in names:
    target = tmp_path / "out" / f"a.{format_name}"
    job = outputs.Job(str(_CASES / name), target)
    (outcome,) = batch.run([job], Stub(), config(format=format_name, overwrite=True))
    if outcome.status == "restored":
      made = original.decode(target.read_bytes(), "a")
      assert made.orientation == 1 and b'Orientation="6"' not in made.metadata.xmp
    else:
      assert "not supported" in outcome.detail or "only 8 are supported" in outcome.detail
      assert not target.exists()


def test_without_jpeglib_jpegs_are_restored_freely_and_the_reason_is_said_once(
  jobs, config, tmp_path, monkeypatch
):
  monkeypatch.setitem(sys.modules, "jpeglib", None)
  monkeypatch.setattr(runner, "Apart", runner.Here)
  lines = []
  made = batch.restore([jobs[0].path, jobs[2].path], config(model="fast"), lines.append)
  assert _statuses(made) == ["restored", "restored"] and not made[0].notes
  (said,) = [line for line in lines if "freely" in line]
  assert (
    said == "every file is restored freely: jpeglib, which reads coefficients, is not installed"
  )
  lines.clear()
  batch.restore([jobs[0].path], config(model="fast", faithful=False), lines.append)
  assert not [line for line in lines if "freely" in line]


def test_copies_of_a_file_whose_coefficients_are_read_count_as_memory(
  tmp_path, picture, config, monkeypatch
):
  monkeypatch.setattr(result, "MIB", 2**10)
  job = _jpeg(tmp_path / "a.jpg", picture(24, 40))
  data = pathlib.Path(job.path).read_bytes()
  data = data[:-2] + bytes(200 * 2**10 - len(data)) + data[-2:]

  def check(**changes):
    result.check_memory(job.path, data, one_file.limits_of(config(**changes)))

  # 960 pixels take 15 bytes each while the coefficients are read.
  check(max_memory=615)
  with pytest.raises(reading.ImageError, match="needs 615 MiB for 40x24 pixels, more than"):
    check(max_memory=614)
  check(max_memory=300, faithful=False)
  with pytest.raises(reading.ImageError, match="needs 615 MiB for 40x24 pixels, more than"):
    check(max_memory=614, faithful=False, report="a.json")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(("depth", "most"), [(8, 15), (16, 23)])
def test_16_megapixels_in_444_take_the_memory_that_is_assumed(tmp_path, picture, depth, most):
  pixels = np.tile(picture(512, 488), (8, 8, 1))
  _jpeg(tmp_path / "a.jpg", pixels, quality=75, subsampling="4:4:4")
  _jpeg(tmp_path / "small.jpg", pixels[:300, :300], quality=75, subsampling="4:4:4")
  done = subprocess.run(
    [sys.executable, "-c", _MEASURING, str(tmp_path), str(depth)],
    capture_output=True,
    text=True,
    check=True,
    env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
  )
  each = int(done.stdout) * 1024 / (pixels.shape[0] * pixels.shape[1])
  # Besides, three copies of the file, about 0.3 bytes a pixel each, and some buffers.
  assert 0.8 * most < each < most + 2


def test_times_are_kept_if_asked_for(tmp_path, config, picture):
  job = _jpeg(tmp_path / "a.jpg", picture(24, 40), quality=30)
  os.utime(job.path, (1000, 2000))
  batch.run([job], Stub(), config(keep_times=True))
  assert job.target.stat().st_mtime == 2000


def test_a_missing_end_marker_is_said(config, tmp_path):
  shutil.copy(_CASES / "s_noeoi.jpg", tmp_path / "a.jpg")
  job = outputs.Job(str(tmp_path / "a.jpg"), tmp_path / "out" / "a.png")
  (outcome,) = batch.run([job], Stub(), config())
  assert outcome.status == "restored" and "its end marker is missing" in outcome.notes
  (outcome,) = batch.run([job], Stub(), config(format="jpg", strength=0.0, overwrite=True))
  assert outcome.notes[-1] == "its end marker is missing, and added"
  assert job.target.read_bytes() == pathlib.Path(job.path).read_bytes() + b"\xff\xd9"


def test_a_name_that_is_not_utf8_is_restored_and_can_be_printed(tmp_path, config, picture):
  name = os.fsdecode(b"caf\xe9.jpg")
  try:
    Image.fromarray(picture(24, 40)).save(tmp_path / "a.jpg", quality=30)
    (tmp_path / "a.jpg").rename(tmp_path / name)
  except OSError:
    pytest.skip("this file system takes UTF-8 names only")
  job = outputs.Job(str(tmp_path / name), tmp_path / "out" / name.replace(".jpg", ".png"))
  (outcome,) = batch.run([job], Stub(), config())
  assert outcome.status == "restored" and r"caf\xe9.png" in outcome.detail
  assert outcome.detail.isascii() and job.target.exists()


def test_ctrl_c_leaves_out_the_file_at_hand_and_tells_what_is_done(jobs, config):
  class Stopped(Stub):
    left = 1

    def parts(self, compressed, tables):
      if not self.left:
        raise KeyboardInterrupt
      self.left -= 1
      return super().parts(compressed, tables)

  told = []
  with pytest.raises(runner.Interrupted, match=r"^2 of 3 files are done$") as stopped:
    batch.run(jobs, Stopped(), config(), on_outcome=told.append)
  assert _statuses(stopped.value.made) == _statuses(told) == ["restored", "failed"]
  assert jobs[0].target.exists() and not jobs[2].target.exists()
  assert batch.run(jobs, Stub(), config())[0].status == "skipped"
