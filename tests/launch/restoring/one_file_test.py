"""Files that end the process that restores them, in the middle of a set."""

import pathlib
import subprocess
import sys

from PIL import Image
import pytest

from deblock.launch.file_sets import runner
from deblock.launch.restoring import batch, restore_config

# As `batch.WORKER`, with files that do what a C library may do with a file made for it.
_WORKER = """
import os, signal, sys, time
import numpy as np
from deblock.launch.restoring import one_file
from deblock.records.photos import original

decode = original.decode

def harmful(data, name, most):
  if "killed" in name:
    os.kill(os.getpid(), signal.SIGKILL)
  if "crash" in name:
    os.kill(os.getpid(), signal.SIGSEGV)
  if "hang" in name:
    time.sleep(100)
  if "memory" in name:
    np.ones(2**32, np.uint8)
  return decode(data, name, most)

original.decode = harmful
one_file.serve()
"""


@pytest.fixture
def photos(tmp_path, picture):
  """A folder with sound files before, between and behind harmful ones."""
  folder = tmp_path / "photos"
  folder.mkdir()
  for name in ("a", "b-killed", "c", "d-crash", "e-hang", "f-memory", "g"):
    Image.fromarray(picture(24, 32)).save(folder / f"{name}.jpg", quality=30)
  return folder


@pytest.mark.slow
def test_a_file_that_ends_the_process_is_named_and_the_next_one_is_restored(
  photos, tmp_path, monkeypatch
):
  monkeypatch.setattr(batch, "WORKER", _WORKER)
  monkeypatch.setattr(runner, "MOST_SECONDS", 10.0)
  lines = []
  config = restore_config.RestoreConfig(out=str(tmp_path / "out"), model="fast", max_memory=512)
  made = batch.restore([str(photos)], config, lines.append)
  found = {pathlib.Path(outcome.path).stem: outcome for outcome in made}
  reasons = {
    "b-killed": "ended (SIGKILL, perhaps because memory ran out)",
    "d-crash": "ended (SIGSEGV)",
    "e-hang": "was ended after 10 s without a sign of life",
  }
  for name, reason in reasons.items():
    assert found[name].detail == f"the process that restored it {reason}"
  assert found["f-memory"].detail == "there is not enough memory for it"
  assert [name for name in found if found[name].status == "restored"] == ["a", "c", "g"]
  assert sum("failed: " in line for line in lines) == 4
  assert not list((tmp_path / "out").glob(".*.tmp"))


@pytest.mark.slow
def test_what_another_process_restores_is_the_same_to_the_byte(photos, tmp_path, monkeypatch):
  made = []
  for name in ("apart", "here"):
    config = restore_config.RestoreConfig(out=str(tmp_path / name), model="fast", report="a")
    outcomes = batch.restore([str(photos)], config)
    made.append([outcome._replace(seconds=0.0, detail="", target="") for outcome in outcomes])
    monkeypatch.setattr(runner, "Apart", runner.Here)
  assert made[0] == made[1] and len(made[0]) == 7
  files = [
    {path.name: path.read_bytes() for path in (tmp_path / name).glob("*.png")}
    for name in ("apart", "here")
  ]
  assert files[0] == files[1] and len(files[0]) == 7


def test_a_damaged_network_is_a_mistake_before_any_file(photos, tmp_path):
  (tmp_path / "mine.onnx").write_bytes(b"no network")
  config = restore_config.RestoreConfig(
    out=str(tmp_path / "out"), model=str(tmp_path / "mine.onnx")
  )
  with pytest.raises(ValueError, match=r"mine\.onnx"):
    batch.restore([str(photos)], config)


def test_planning_a_set_loads_neither_numpy_nor_pillow():
  # The process that only waits stays small.
  program = "import sys; from deblock.launch.restoring import batch; print(*sys.modules)"
  done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
  assert not {"numpy", "PIL.Image", "onnxruntime"} & set(done.stdout.split())
