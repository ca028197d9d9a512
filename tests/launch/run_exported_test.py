"""What the exported step is run by; needs JAX, which deblock does not install."""

import numpy as np
from PIL import Image
import pytest

pytest.importorskip("jax", reason="JAX is not installed")


@pytest.mark.parametrize("feed", ["device", "host"])
def test_a_run_ends_with_weights_and_goes_on(feed, tmp_path, picture, monkeypatch):
  from deblock.launch import run_exported
  from deblock.launch.portable import exported_step
  from deblock.launch.portable import settings as settings_lib
  from deblock.model.networks import config as model_config

  settings = settings_lib.StepConfig(
    output=str(tmp_path / "programs"),
    crop_size=16,
    batch_size=3,
    full_chroma=1,
    twice=1,
    late_crop_size=24,
  )
  exported_step.export(model_config.ModelConfig("deblocknet", width=8), settings)
  (tmp_path / "images").mkdir()
  Image.fromarray(picture(40, 48)).save(tmp_path / "images" / "0.png")
  options = ["--programs", settings.output, "--images", str(tmp_path / "images"), "--feed", feed]
  options += ["--output", str(tmp_path / "run"), "--minutes"]
  monkeypatch.setattr("sys.argv", ["run", *options, "0.02"])
  run_exported.run()
  with np.load(tmp_path / "run" / "state.npz") as state:
    steps = int(state["number"])
  monkeypatch.setattr("sys.argv", ["run", *options, "0.04"])
  run_exported.run()
  with np.load(tmp_path / "run" / "state.npz") as state:
    assert int(state["number"]) > steps
  paths = (tmp_path / "programs" / "initial.npz", tmp_path / "run" / "averages.npz")
  with np.load(paths[0]) as initial, np.load(paths[1]) as averages:
    assert initial.files == averages.files
    assert all(np.isfinite(averages[name]).all() for name in averages.files)
    assert any((averages[name] != initial[name]).any() for name in averages.files)
