"""`make bench PART=training-kills` in small: kills a training run that has its own processes."""

import os
import pathlib
import subprocess
import sys

import pytest

SCRIPT = pathlib.Path(__file__).parents[2] / "bench" / "interrupting.py"
OPTIONS = ("--kills=2", "--steps=48", "--seed=1", "--network=")


@pytest.mark.slow
def test_a_run_that_is_killed_ends_with_the_bits_and_the_curve_of_one_that_is_not(
  records, tmp_path
):
  done = subprocess.run(
    [sys.executable, SCRIPT, tmp_path / "runs", *OPTIONS, f"--records={records}"],
    env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"},
    capture_output=True,
    text=True,
    timeout=300,
  )
  assert done.returncode == 0, done.stderr
  said = done.stdout.splitlines()
  assert "kills: 2" in said
  assert "asked to stop: saved, and ended with status 143" in said
  assert "weights, optimiser, best checkpoint and curve: those of the undisturbed run" in said
