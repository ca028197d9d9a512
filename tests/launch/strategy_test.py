import pytest
import tensorflow as tf

from deblock.launch import strategy

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
  with pytest.raises(ValueError, match="must be auto, cpu, gpu or mirrored, got 'tpu'"):
    strategy.create("tpu")
