import pathlib

import numpy as np
from PIL import Image
import pytest

from deblock.launch.restoring import batch, outputs, restore_config
from deblock.model import tiling


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
  assert sorted(path.name for path in jobs[0].target.parent.iterdir()) == ["a.png", "c.png"]
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
    assert 274 not in tags
    assert (271 in tags) == (metadata == "keep")


def test_notes_are_told(tmp_path, config, picture):
  path = tmp_path / "a.tif"
  Image.fromarray(picture(24, 24)).convert("CMYK").save(path)
  (outcome,) = batch.run([outputs.Job(str(path), tmp_path / "a.png")], Stub(), config())
  assert "no traces of JPEG" in outcome.detail and "CMYK became RGB" in outcome.detail
  assert "coefficients" not in outcome.detail
  (outcome,) = batch.run([outputs.Job(str(path), tmp_path / "b.png")], Stub(), config(quality=50))
  assert "not held to its coefficients: it is no JPEG file" in outcome.detail


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


@pytest.mark.parametrize(
  ("error", "reason"),
  [
    (OSError(28, "No space left on device"), "a.png cannot be written: No space left on device"),
    (MemoryError(), "not enough memory"),
  ],
)
def test_a_failure_to_write_names_the_result(jobs, config, monkeypatch, error, reason):
  def fail(target, data):
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
  assert sum("quality 30 by its own tables, YCbCr 420" in line for line in lines) == 2
  with Image.open(tmp_path / "out" / "c.webp") as made:
    assert made.size == (24, 40)


def test_without_names_or_a_place_nothing_is_done(config, tmp_path):
  with pytest.raises(ValueError, match="name what to restore"):
    batch.restore([], config())
  (tmp_path / "out").write_bytes(b"")
  with pytest.raises(OSError, match=r"out cannot be written: .*another --out"):
    batch.restore([str(tmp_path)], config())


def test_the_table_counts_and_gives_reasons():
  outcomes = [
    batch.Outcome("a", "restored", 3_000_000, "x"),
    batch.Outcome("b", "skipped", 0, "y"),
    batch.Outcome("c", "failed", 0, "is empty"),
  ]
  lines = batch.table(outcomes, 2.0).splitlines()
  assert [line.split() for line in lines[1:4]] == [
    ["restored", "1", "3.0"],
    ["skipped", "1"],
    ["failed", "1"],
  ]
  assert lines[4:] == ["2.0 s, 1.50 megapixels/s", "failed: c: is empty"]
