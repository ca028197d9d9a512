"""deblock-restore as a program; what it does to photographs is tested in launch/restoring."""

import functools
import os
import pathlib
import signal
import subprocess
import sys
import time

import keras
import numpy as np
from PIL import Image
import pytest

from deblock.launch.file_sets import runner
from deblock.launch.restoring import photograph
from deblock.launch.run_folder import checkpoints, run_file
from deblock.model.networks import registry


@pytest.fixture
def photos(tmp_path, picture):
  """A folder of three JPEGs."""
  folder = tmp_path / "photos"
  folder.mkdir()
  for number in range(3):
    Image.fromarray(picture(48, 64, number)).save(folder / f"{number}.jpg", quality=30)
  return folder


def test_o_is_out_and_jpeg_is_jpg(program, photos, tmp_path):
  done = program("restore", photos, "-o", tmp_path / "out", "--model=fast", "--format=jpeg")
  assert done.returncode == 0, done.stderr
  names = {path.name for path in (tmp_path / "out").iterdir() if not path.name.startswith(".")}
  assert names == {"0.jpg", "1.jpg", "2.jpg"}
  assert "3/3 files" in done.stderr and "YCbCr 4:2:0" in done.stdout


def test_ctrl_c_says_how_many_files_are_done(program, photos, tmp_path, monkeypatch):
  restored = []
  restore = photograph.restore_original

  def stop_at_the_second(*given, **named):
    if restored:
      raise KeyboardInterrupt
    restored.append(1)
    return restore(*given, **named)

  monkeypatch.setattr(runner, "Apart", runner.Here)
  monkeypatch.setattr(photograph, "restore_original", stop_at_the_second)
  done = program("restore", photos, f"--out={tmp_path / 'out'}", "--model=fast")
  assert done.returncode == 130
  assert "stopped: 1 of 3 files are done; the same command resumes." in done.stderr
  assert "Traceback" not in done.stderr
  monkeypatch.setattr(photograph, "restore_original", restore)
  again = program("restore", photos, f"--out={tmp_path / 'out'}", "--model=fast")
  assert again.returncode == 0 and again.stdout.count("skipped:") == 1


@pytest.mark.slow
@pytest.mark.parametrize("files", [1, 2])
def test_a_real_ctrl_c_leaves_no_traceback_and_no_part_of_a_file(tmp_path, files):
  pixels = np.random.default_rng(0).integers(0, 256, (1500, 2000, 3)).astype(np.uint8)
  photos = [tmp_path / f"{number}.jpg" for number in range(files)]
  for path in photos:
    Image.fromarray(pixels).save(path, quality=30)
  out = tmp_path / "out"
  command = [sys.executable, "-m", "deblock.launch.restore", *photos, f"--out={out}"]
  # Jobs in the background of a shell ignore Ctrl-C, and so would what they start.
  heeding = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
  # As a terminal does, to all processes of the command.
  options = {"text": True, "preexec_fn": heeding, "start_new_session": True}
  with subprocess.Popen(command, stderr=subprocess.PIPE, **options) as process:
    while not out.exists():
      time.sleep(0.05)
    time.sleep(1.0)
    os.killpg(process.pid, signal.SIGINT)
    _, error = process.communicate(timeout=60)
  assert process.returncode == 130
  assert files == 1 or "stopped: 0 of 2 files are done" in error
  with pytest.raises(ProcessLookupError):
    os.killpg(process.pid, 0)
  assert "stopped" in error and "Traceback" not in error
  assert not [name for name in pathlib.Path(out).iterdir() if name.suffix in (".png", ".tmp")]


def test_a_run_is_exported_once_and_then_restores(program, photos, small_run, tmp_path):
  settings = small_run(model="deblocknet_fast", width=4)
  network = registry.build(settings.model)
  network.get_layer("head").bias.assign(np.full(12, 0.5))
  optimizer = keras.optimizers.SGD(0.1)
  optimizer.build(network.trainable_variables)
  saver = checkpoints.Checkpoints(settings.train.logdir, network, optimizer, {})
  saver.step.assign(7)
  saver.save()
  run_file.save(settings)
  command = ("restore", photos, f"--out={tmp_path / 'out'}", f"--logdir={settings.train.logdir}")
  first = program(*command)
  assert first.returncode == 0, first.stderr
  path = pathlib.Path(settings.train.logdir) / "exported" / "latest-ckpt-7.onnx"
  assert f"exporting the run's network: {path}" in first.stdout
  written = path.stat().st_mtime_ns
  second = program(*command)
  assert second.returncode == 0 and "exporting" not in second.stdout
  assert path.stat().st_mtime_ns == written and second.stdout.count("skipped:") == 3
  path.write_bytes(path.read_bytes()[:-9])
  third = program(*command, "--overwrite")
  assert "exporting" in third.stdout and third.stdout.count("restored:") == 3
