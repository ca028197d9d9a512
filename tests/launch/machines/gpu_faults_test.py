import os
import subprocess

import pytest
import tensorflow as tf

from deblock.launch.machines import gpu_faults

# As TensorFlow 2.20 and 2.21 write them.
LOG = """\
WARNING: All log messages before absl::InitializeLog() is called are written to STDERR
I0000 00:00:1795673585.32   18970 cudart_stub.cc:31] Could not find cuda drivers on your machine.
2026-02-24 16:46:52.06: I tensorflow/core/util/port.cc:153] oneDNN custom operations are on.
I0000 00:00:1795673585.39   18970 cpu_feature_guard.cc:227] This TensorFlow binary is optimized.
E0000 00:00:1795673585.40   18970 cuda_fft.cc:477] Unable to register cuFFT factory: one has \
already been registered
2026-02-24 16:46:53.20: W tensorflow/core/common_runtime/gpu/gpu_device.cc:2343] Cannot \
dlopen some GPU libraries. Please install them.
Skipping registering GPU devices...
I0000 00:00:1795673588.06   18970 cudart_stub.cc:31] Could not find cuda drivers on your machine.
E0000 00:00:1795673589.13   18970 cuda_platform.cc:52] failed call to cuInit: UNKNOWN ERROR (303)
"""
REASON = (
  "Could not find cuda drivers on your machine; Cannot dlopen some GPU libraries. Please install "
  "them; failed call to cuInit: UNKNOWN ERROR (303)"
)


@pytest.fixture
def machine(tmp_path, monkeypatch):
  """The function (*files, gpus, cuda) -> root of a machine with these device nodes and GPUs.

  Each GPU is given by the details that TensorFlow has of it.
  """

  def make(*files, gpus=(), cuda=True):
    for file in files:
      path = tmp_path / file
      path.parent.mkdir(parents=True, exist_ok=True)
      path.touch()
    cards = [
      tf.config.PhysicalDevice(f"/physical_device:GPU:{place}", "GPU") for place in range(len(gpus))
    ]
    details = dict(zip(cards, gpus, strict=True))
    capabilities = ["sm_60", "sm_70", "sm_80", "sm_89", "compute_90"]
    build = {"is_cuda_build": True, "cuda_compute_capabilities": capabilities}
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: cards)
    monkeypatch.setattr(tf.config.experimental, "get_device_details", details.get)
    monkeypatch.setattr(
      tf.sysconfig, "get_build_info", lambda: build if cuda else {"is_cuda_build": False}
    )
    return tmp_path

  return make


def _answering(monkeypatch, log):
  def run(command, env, **options):
    assert env["TF_CPP_MIN_LOG_LEVEL"] == "0"
    return subprocess.CompletedProcess(command, 0, None, log)

  monkeypatch.setattr(subprocess, "run", run)


def test_the_reason_is_what_tensorflow_says_of_gpus_each_sentence_once():
  assert gpu_faults.reason_in(LOG) == REASON
  assert gpu_faults.reason_in("") == ""


@pytest.mark.parametrize("sign", ["dev/nvidia0", "dev/dxg", "proc/driver/nvidia/version"])
def test_a_gpu_that_tensorflow_does_not_see_is_named_with_reason_and_cure(
  machine, monkeypatch, sign
):
  _answering(monkeypatch, LOG)
  line = gpu_faults.unseen({}, machine(sign, "dev/nvidia-uvm"))
  assert f"although there is /{sign}. Its reason: {REASON}." in line
  assert "pip install 'deblock[cuda]'" in line and "\n" not in line


def test_nothing_is_said_where_there_is_nothing_to_mend(machine, monkeypatch):
  monkeypatch.setattr(subprocess, "run", None)
  assert gpu_faults.unseen({}, machine("dev/null")) is None
  root = machine("dev/nvidia0")
  for hidden in ("", "-1"):
    assert gpu_faults.unseen({"CUDA_VISIBLE_DEVICES": hidden}, root) is None
  assert gpu_faults.unseen({}, machine(gpus=[{}])) is None


def test_a_tensorflow_without_cuda_is_the_reason(machine):
  line = gpu_faults.unseen({}, machine("dev/nvidia0", cuda=False))
  assert "Its reason: it is built without CUDA." in line


def test_a_tensorflow_that_does_not_answer_is_not_waited_for(machine, monkeypatch):
  def run(command, timeout, **options):
    raise subprocess.TimeoutExpired(command, timeout)

  monkeypatch.setattr(subprocess, "run", run)
  assert "Its reason: none within 60 seconds." in gpu_faults.unseen({}, machine("dev/nvidia0"))


@pytest.mark.slow
def test_tensorflow_itself_is_asked(machine):
  environment = {name: os.environ[name] for name in os.environ if name != "CUDA_VISIBLE_DEVICES"}
  line = gpu_faults.unseen(environment, machine("dev/nvidia0"))
  # On a machine with a working GPU, which this one is made to look like, there is no fault to name.
  assert "cuda" in line.partition("Its reason: ")[2].partition("pip install")[0].lower()


def test_gpus_newer_than_the_build_are_named_with_what_to_install(machine):
  blackwell = {"device_name": "NVIDIA GeForce RTX 5090", "compute_capability": (12, 0)}
  hopper = {"device_name": "NVIDIA H100", "compute_capability": (9, 0)}
  ada = {"device_name": "NVIDIA L4", "compute_capability": (8, 9)}
  machine(gpus=[hopper, blackwell, ada, {}])
  (line,) = gpu_faults.too_new()
  assert line.startswith("NVIDIA GeForce RTX 5090 has compute capability 12.0, and TensorFlow ")
  assert "built for 9.0 at most" in line and "COMPUTE_CAPABILITIES=compute_120" in line
  machine(gpus=[hopper], cuda=False)
  assert gpu_faults.too_new() == []


def test_the_build_that_is_installed_says_what_it_is_built_for(machine):
  build = tf.sysconfig.get_build_info()
  if not build["is_cuda_build"]:
    pytest.skip("this TensorFlow is built without CUDA")
  assert all(gpu_faults._CAPABILITY.fullmatch(name) for name in build["cuda_compute_capabilities"])
