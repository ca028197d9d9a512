import os
import subprocess
import sys

import pytest
import tensorflow as tf

from deblock.launch.machines import gpu_faults, gpus


@pytest.fixture
def cards(monkeypatch):
  """Two GPUs that are not there, and what is done to them."""
  found = [tf.config.PhysicalDevice(f"/physical_device:GPU:{index}", "GPU") for index in (0, 1)]
  done = []
  monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind=None: found)
  monkeypatch.setattr(tf.config, "set_visible_devices", lambda *values: done.append(values))
  monkeypatch.setattr(
    tf.config.experimental, "set_memory_growth", lambda *values: done.append(values)
  )
  monkeypatch.setattr(gpu_faults, "unseen", lambda: None)
  monkeypatch.setattr(gpu_faults, "too_new", lambda: [])
  return found, done


def test_the_memory_of_every_gpu_grows_as_it_is_needed(cards):
  found, done = cards
  gpus.prepare(used=True)
  assert done == [(device, True) for device in found]


def test_each_fault_of_a_gpu_is_a_warning_where_gpus_are_used(cards, monkeypatch):
  warned = []
  monkeypatch.setattr(gpus.logging, "warning", lambda words, *values: warned.append(words % values))
  gpus.prepare(used=True)
  assert not warned
  monkeypatch.setattr(gpu_faults, "unseen", lambda: "not seen")
  monkeypatch.setattr(gpu_faults, "too_new", lambda: ["too new", "too new too"])
  gpus.prepare(used=False)
  assert not warned
  gpus.prepare(used=True)
  assert warned == ["not seen", "too new", "too new too"]


def test_a_program_that_uses_no_gpu_sees_none_and_takes_no_memory(cards):
  _, done = cards
  gpus.prepare(used=False)
  assert done == [([], "GPU")]


@pytest.mark.skipif(os.environ.get("GPU_TESTS") == "1", reason="GPU_TESTS=1 asks for GPUs")
def test_tests_and_the_processes_they_start_see_no_gpu_unless_asked():
  assert not tf.config.list_physical_devices("GPU")
  command = [sys.executable, "-c", "import os; print(os.environ['CUDA_VISIBLE_DEVICES'])"]
  assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == "-1\n"
