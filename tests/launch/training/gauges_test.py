import keras
import numpy as np
import pytest

from deblock.launch.training import gauges


def _gauges(waited, network):
  return gauges.Gauges(lambda: waited, network)


def _network():
  inputs = keras.Input((2,))
  hidden = keras.layers.Dense(2)(inputs)
  hidden = keras.layers.BatchNormalization()(hidden)
  return keras.Model(inputs, keras.layers.Dense(1, use_bias=False)(hidden))


def test_the_norm_is_that_of_the_trained_weights_as_they_are_now():
  network = _network()
  read = _gauges(0.0, network)
  for factor in (1.0, 2.0):
    for variable in network.trainable_variables:
      variable.assign(factor * np.arange(1, 1 + np.prod(variable.shape)).reshape(variable.shape))
    every = np.concatenate([v.numpy().ravel() for v in network.trainable_variables])
    assert len(every) == 4 + 2 + 2 + 2 + 2, "means and variances are not trained"
    assert read.read(1.0)["train/weight_norm"] == pytest.approx(np.sqrt((every**2).sum()))


@pytest.mark.parametrize(
  ("waited", "seconds", "share"), [(1.0, 4.0, 0.25), (0.0, 0.0, 0.0), (2.0, 1.0, 1.0), (0, 1, 0)]
)
def test_waiting_is_a_share_of_the_training_time(waited, seconds, share):
  assert _gauges(waited, _network()).read(seconds)["train/waiting_share"] == share
