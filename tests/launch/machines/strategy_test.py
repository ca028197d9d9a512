import types

import pytest
import tensorflow as tf

from deblock.launch.machines import cluster, strategy

no_gpu = pytest.mark.skipif(
  bool(tf.config.list_physical_devices("GPU")), reason="this machine has a GPU"
)


def _device(made):
  with made.scope():
    return tf.Variable(0.0).device


@no_gpu
def test_auto_is_the_cpu_where_there_is_no_gpu():
  made = strategy.create("auto")
  assert isinstance(made, tf.distribute.OneDeviceStrategy)
  assert made.num_replicas_in_sync == 1
  assert "CPU:0" in _device(made)


def test_cpu_is_the_cpu_whatever_there_is():
  assert "CPU:0" in _device(strategy.create("cpu"))


@no_gpu
def test_a_gpu_that_is_not_there_is_asked_for_in_vain():
  with pytest.raises(ValueError, match=r"strategy is gpu, but .* no GPU; use --strategy=cpu"):
    strategy.create("gpu")


@no_gpu
def test_mirrored_takes_every_logical_cpu_where_there_is_no_gpu():
  made = strategy.create("mirrored")
  assert isinstance(made, tf.distribute.MirroredStrategy)
  assert made.num_replicas_in_sync == len(tf.config.list_logical_devices("CPU"))


def test_an_unknown_name_is_answered_with_the_known_ones():
  with pytest.raises(ValueError, match=r"must be one of auto, cpu, .*, tpu, got 'cloud'"):
    strategy.create("cloud")


def test_auto_is_multi_worker_where_workers_are_named():
  assert strategy.resolved("auto", cluster.Cluster(("a:1", "b:1"), 0)) == "multi_worker"
  assert strategy.resolved("auto", cluster.Cluster(("a:1",), 0)) != "multi_worker"


def test_multi_worker_without_workers_says_how_to_name_them():
  with pytest.raises(ValueError, match=r"no workers are named: use --workers=.* or set TF_CONFIG"):
    strategy.create("multi_worker")


def test_a_tpu_that_is_not_there_is_asked_for_in_vain(monkeypatch):
  def answer(name):
    raise ValueError(f"no {name} here\nand more")

  monkeypatch.setenv("TPU_NAME", "mine")
  monkeypatch.setattr(tf.distribute.cluster_resolver, "TPUClusterResolver", answer)
  with pytest.raises(ValueError, match=r"strategy is tpu, but no TPU .* 'mine' .*: no mine here$"):
    strategy.create("tpu")


def test_the_devices_of_a_run_are_named(monkeypatch):
  assert strategy.devices(strategy.create("cpu")) == "CPU:0"
  card = tf.config.PhysicalDevice("/physical_device:GPU:0", "GPU")
  monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind: [card, card])
  monkeypatch.setattr(
    tf.config.experimental, "get_device_details", lambda device: {"device_name": "NVIDIA L4"}
  )
  # As strategies of several GPUs and several machines name them.
  places = [f"/job:worker/replica:0/task:1/device:GPU:{place}" for place in (0, 1)]
  made = types.SimpleNamespace(extended=types.SimpleNamespace(worker_devices=places))
  assert strategy.devices(made) == "GPU:0 (NVIDIA L4), GPU:1 (NVIDIA L4)"
