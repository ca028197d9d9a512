"""A folder of 200 files with ten broken ones among them: what a user gets, and gets again."""

import os
import pathlib
import re
import struct
import subprocess
import sys

import numpy as np
from PIL import Image
import pytest

from deblock.launch.restoring import batch, restore_config

_FILES = 200
_SIDE = 16


def _jpeg(path, picture, **options):
  Image.fromarray(picture(_SIDE, _SIDE)).save(path, "JPEG", **options)
  return path.read_bytes()


def _broken(folder, picture):
  """Writes ten files, each broken in a way of its own; returns the reason for each by its name."""
  spare = folder.parent / "spare.jpg"
  sound = _jpeg(spare, picture)
  frame = sound.index(b"\xff\xc0") + 5
  steps = sound.index(b"\xff\xdb") + 5
  last = sound.rindex(b"\xff\xd9")
  made = {
    "empty.jpg": (b"", "the file is empty"),
    "text.jpg": (b"no picture at all", "no known image format"),
    "short.jpg": (sound[: last - 20], "truncated"),
    "header.jpg": (sound[: frame + 10], "cannot be read as an image"),
    "huge.jpg": (
      sound[:frame] + struct.pack(">HH", 60000, 60000) + sound[frame + 4 :],
      "60000x60000 pixels|exceeds limit",
    ),
    "hollow.jpg": (
      sound[:frame] + struct.pack(">HH", 9000, 9000) + sound[frame + 4 :],
      r"bytes cannot hold its \d+ blocks",
    ),
    "steps.jpg": (sound[:steps] + bytes(64) + sound[steps + 64 :], "a step of 0"),
    "scans.jpg": (sound[:last] + sound[sound.index(b"\xff\xda") : last] * 200, "201 scans"),
  }
  for name, (data, _) in made.items():
    (folder / name).write_bytes(data)
  frames = [Image.fromarray(picture(_SIDE, _SIDE, number)) for number in range(2)]
  frames[0].save(folder / "frames.gif", save_all=True, append_images=frames[1:])
  Image.fromarray(np.zeros((8, 8), np.float32)).save(folder / "float.tif")
  reasons = {name: reason for name, (_, reason) in made.items()}
  return {**reasons, "frames.gif": "several frames", "float.tif": "floating-point"}


@pytest.fixture
def folder(tmp_path, picture):
  """A folder of 200 files, in two folders, and why ten of them cannot be restored, by name."""
  images = tmp_path / "photos"
  (images / "more").mkdir(parents=True)
  reasons = _broken(images, picture)
  data = _jpeg(tmp_path / "spare.jpg", picture, quality=20)
  for number in range(_FILES - len(reasons)):
    below = images / "more" if number % 2 else images
    (below / f"{number}.jpg").write_bytes(data)
  return images, reasons


def _count(outcomes):
  statuses = [outcome.status for outcome in outcomes]
  return {status: statuses.count(status) for status in sorted(set(statuses))}


def test_a_batch_does_what_can_be_done_and_says_what_cannot(folder, tmp_path, picture):
  images, reasons = folder
  out = tmp_path / "out"
  command = ["deblock.launch.restore", str(images), f"--out={out}", "--model=fast"]
  done = subprocess.run(
    [sys.executable, "-m", *command],
    env={**os.environ, "CUDA_VISIBLE_DEVICES": "-1"},
    capture_output=True,
    text=True,
    timeout=240,
  )
  assert done.returncode == 1, done.stderr
  assert "Traceback" not in done.stderr
  lines = done.stdout.splitlines()
  counts = {words[0]: words[1] for line in lines if len(words := line.split()) in (2, 3)}
  assert counts | {"restored": "190", "skipped": "0", "failed": "10"} == counts
  # Once when it happens, and once in the table.
  told = {line for line in lines if line.startswith("failed: ")}
  for name, reason in reasons.items():
    (line,) = [line for line in told if line.startswith(f"failed: {images / name}: ")]
    assert re.search(reason, line), line
  made = {
    path.relative_to(out) for path in out.rglob("*") if path.is_file() and path.name[0] != "."
  }
  sound = {path.relative_to(images) for path in images.rglob("*.jpg") if path.name not in reasons}
  assert made == {path.with_suffix(".png") for path in sound} and len(made) == 190

  # A second run does what is missing, broken or of another input, and that alone.
  (out / "0.png").unlink()
  (out / "2.png").write_bytes((out / "2.png").read_bytes()[:50])
  _jpeg(images / "more" / "1.jpg", picture, quality=30)
  times = {path: path.stat().st_mtime_ns for path in out.rglob("*.png")}
  config = restore_config.RestoreConfig(out=str(out), model="fast")
  outcomes = batch.restore([str(images)], config)
  assert _count(outcomes) == {"failed": 10, "restored": 3, "skipped": 187}
  again = {outcome.path for outcome in outcomes if outcome.status == "restored"}
  assert {pathlib.Path(path).name for path in again} == {"0.jpg", "1.jpg", "2.jpg"}
  unchanged = [path for path, before in times.items() if path.stat().st_mtime_ns == before]
  assert len(unchanged) == 187
