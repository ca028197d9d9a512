"""The program that makes batches for others, as a process of its own."""

import contextlib
import signal
import subprocess
import sys
import time

import pytest

from deblock.launch.training import loop


@contextlib.contextmanager
def _service(*arguments):
  """Yields the process of a service and the first line that it prints."""
  command = [sys.executable, "-m", "deblock.launch.data_service", *arguments]
  process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
  try:
    yield process, process.stdout.readline().strip()
  finally:
    process.kill()
    process.communicate()


@pytest.mark.slow
def test_a_run_is_fed_and_the_service_ends_on_request(tiny, small_run):
  with _service("--workers=2") as (process, line):
    said, address = line.split("=")
    assert said == "train with --data_service"
    result = loop.train(small_run(model=tiny, max_steps=4, data_service=address))
    assert (result.step, result.trained) == (4, True)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "stopped.\n", "")
  began = time.monotonic()
  with pytest.raises(ConnectionError, match=f"data_service {address} cannot be reached"):
    loop.train(small_run(model=tiny, max_steps=8, data_service=address))
  assert time.monotonic() - began < 60.0
  # Where the batches are made is no part of what a run is.
  assert loop.train(small_run(model=tiny, max_steps=8)).step == 8
