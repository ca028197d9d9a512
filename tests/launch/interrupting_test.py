"""A training run that is killed, in processes of its own: `make bench-kills` in small."""

import os
import pathlib
import subprocess
import sys

SCRIPT = pathlib.Path(__file__).parents[1] / "bench" / "interrupting.py"


def test_a_run_that_is_killed_ends_with_the_bits_and_the_curve_of_one_that_is_not(
  records, tmp_path
):
  done = subprocess.run(
    [sys.executable, SCRIPT, tmp_path, f"--records={records}"]
    + ["--kills=2", "--steps=48", "--seed=1", "--network="],
    env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"},
    capture_output=True,
    text=True,
  )
  assert done.returncode == 0, done.stderr
  said = done.stdout.splitlines()
  assert "kills: 2" in said
  assert "weights, optimiser and best checkpoint: equal to the bit" in said
