"""Bad input and bad places, as a user of deblock-restore meets them: what is said, what is left."""

import contextlib
import pathlib
import resource
import shutil

import numpy as np
from PIL import Image
import pytest

from deblock.launch.file_sets import outputs
from deblock.launch.restoring import batch, restore_config
from deblock.model import pretrained_files, tiling
from deblock.records.photos import original


class Stub:
  """A network that adds 20 levels."""

  def parts(self, compressed, tables):
    del tables
    yield tiling.Part(0, 0, compressed / np.float32(255.0) + np.float32(20 / 255))


@pytest.fixture
def photo(tmp_path, picture):
  """The path of a JPEG of 48x64 pixels."""
  path = tmp_path / "photo.jpg"
  Image.fromarray(picture(48, 64)).save(path, quality=30)
  return path


def _restored(photo, out, **changes):
  config = restore_config.RestoreConfig(out=str(out), **changes)
  (outcome,) = batch.run([outputs.Job(str(photo), out / "photo.png")], Stub(), config)
  return outcome


@contextlib.contextmanager
def _files_end_at(size_bytes):
  """No file can grow beyond a size: what a full disk does to a file half-way."""
  soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
  resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
  try:
    yield
  finally:
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_where_writing_ends_half_way_no_part_of_a_file_remains(photo, tmp_path):
  out = tmp_path / "out"
  with _files_end_at(1000):
    outcome = _restored(photo, out)
  assert outcome.status == "failed"
  assert "photo.png cannot be written: File too large" in outcome.detail
  assert list(out.iterdir()) == []
  assert _restored(photo, out).status == "restored"
  # Nor is what was there before lost.
  before = (out / "photo.png").read_bytes()
  assert len(before) > 1000
  with _files_end_at(1000):
    assert _restored(photo, out, overwrite=True).status == "failed"
  assert [path.read_bytes() for path in out.glob("[!.]*")] == [before]
  assert len(list(out.iterdir())) == 2


def test_a_folder_that_cannot_be_written_is_told_before_any_work(open_folder, as_nobody, photo):
  config = restore_config.RestoreConfig(out=str(open_folder / "locked"))
  (open_folder / "locked").mkdir()
  (open_folder / "locked").chmod(0o555)
  with as_nobody(), pytest.raises(OSError, match=r"out .*locked cannot be written: .*--out"):
    batch.restore([str(photo)], config)
  inside = restore_config.RestoreConfig(out=str(open_folder / "locked" / "new"))
  with as_nobody(), pytest.raises(OSError, match=r"new cannot be written: Permission denied"):
    batch.restore([str(photo)], inside)


def test_a_file_that_vanished_or_cannot_be_read_is_named(photo, tmp_path, open_folder, as_nobody):
  (outcome,) = batch.restore(
    [str(tmp_path / "none.jpg")], restore_config.RestoreConfig(out=str(tmp_path / "out"))
  )
  assert (outcome.status, outcome.pixels) == ("failed", 0)
  assert "no file or folder matches" in outcome.detail and "none.jpg" in outcome.detail
  assert "cannot be read: " in _restored(tmp_path / "gone.jpg", tmp_path / "out").detail
  locked = shutil.copy(photo, open_folder / "locked.jpg")
  (open_folder / "locked.jpg").chmod(0)
  with as_nobody():
    outcome = _restored(locked, open_folder / "out")
  assert outcome.status == "failed" and "Permission denied" in outcome.detail
  assert not (open_folder / "out").exists()


def test_a_network_that_was_tampered_with_is_refused_before_any_work(photo, tmp_path):
  path = tmp_path / "mine.onnx"
  data = bytearray(pretrained_files.network_path("fast").read_bytes())
  data[len(data) // 2] ^= 1
  path.write_bytes(data)
  config = restore_config.RestoreConfig(out=str(tmp_path / "out"), model=str(path))
  with pytest.raises(ValueError, match=r"mine\.onnx is damaged or was changed"):
    batch.restore([str(photo)], config)
  assert not list((tmp_path / "out").iterdir())


def test_a_network_of_ones_own_restores(photo, tmp_path):
  path = shutil.copy(pretrained_files.network_path("fast"), tmp_path / "mine.onnx")
  made = []
  for model in ("fast", str(path)):
    out = tmp_path / pathlib.Path(model).stem
    config = restore_config.RestoreConfig(out=str(out), model=model)
    (outcome,) = batch.restore([str(photo)], config)
    assert outcome.status == "restored", outcome.detail
    made.append((out / "photo.png").read_bytes())
  assert made[0] == made[1]


def test_an_error_of_a_kind_that_nobody_foresaw_stops_no_other_file(photo, tmp_path, monkeypatch):
  decode = original.decode

  def fail_once(data, name, max_pixels):
    if name.endswith("first.jpg"):
      raise KeyError("layers")
    return decode(data, name, max_pixels)

  first = shutil.copy(photo, tmp_path / "first.jpg")
  monkeypatch.setattr(original, "decode", fail_once)
  config = restore_config.RestoreConfig(out=str(tmp_path / "out"))
  jobs = [
    outputs.Job(str(path), tmp_path / "out" / f"{number}.png")
    for number, path in enumerate((first, photo))
  ]
  failed, restored = batch.run(jobs, Stub(), config)
  assert failed.detail == "unexpected KeyError: 'layers'; please report it"
  assert restored.status == "restored"
