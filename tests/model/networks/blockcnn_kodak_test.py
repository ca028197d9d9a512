import keras
import numpy as np
import pytest
import tensorflow as tf

from deblock.model.networks import blockcnn_kodak


def _images(side=24):
  return np.random.default_rng(0).uniform(size=(2, side, side, 3)).astype(np.float32)


def _convolution(side, before, channels):
  return side * side * before * channels + channels


def _bottleneck(channels):
  convolutions = (_convolution(side, channels, channels) for side in (1, 3, 1))
  return sum(convolutions)


@pytest.mark.parametrize(("width", "k"), [(0, 16), (2, 2)])
def test_the_number_of_parameters_is_that_of_the_layers(width, k):
  network = blockcnn_kodak.blockcnn_kodak(width)
  expected = (
    _convolution(3, 3, k)
    + _bottleneck(k)
    + _convolution(5, k, 2 * k)
    + 2 * (2 * k)
    + _convolution(5, 2 * k, 8 * k)
    + 2 * (8 * k)
    + _bottleneck(8 * k)
    + _convolution(7, 8 * k, k)
    + 2 * k
    + _convolution(1, k, 3)
  )
  assert sum(int(np.prod(variable.shape)) for variable in network.trainable_variables) == expected


def test_the_sides_shrink_as_recorded():
  network = blockcnn_kodak.blockcnn_kodak(width=2)
  stages = [network.get_layer(f"stage{stage}_activation").output for stage in range(1, 5)]
  made = keras.Model(network.input, [*stages, network.output])(_images())
  assert [tuple(one.shape[1:]) for one in made] == [
    (22, 22, 2),
    (18, 18, 4),
    (14, 14, 16),
    (8, 8, 2),
    (8, 8, 3),
  ]


def test_the_output_is_pixels(random_network):
  network = random_network("blockcnn_kodak", False)
  made = network(20.0 * _images() - 10.0, training=False).numpy()
  assert made.dtype == np.float32
  assert made.min() >= 0.0
  assert made.max() <= 1.0
  assert made.std() > 0.01


def test_every_weight_is_trained(randomize):
  network = randomize(blockcnn_kodak.blockcnn_kodak(width=2))
  with tf.GradientTape() as tape:
    loss = tf.reduce_mean(tf.square(network(_images(), training=True)))
  gradients = tape.gradient(loss, network.trainable_variables)
  for variable, gradient in zip(network.trainable_variables, gradients, strict=True):
    assert gradient is not None, variable.path
    assert np.isfinite(gradient.numpy()).all(), variable.path


# Keras converts variables in a way that NumPy 2 deprecates.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_a_saved_network_is_the_same_when_loaded(random_network, tmp_path):
  network = random_network("blockcnn_kodak", False)
  network.save(tmp_path / "network.keras")
  loaded = keras.models.load_model(tmp_path / "network.keras")
  np.testing.assert_array_equal(
    loaded(_images(), training=False).numpy(), network(_images(), training=False).numpy()
  )


def test_a_residual_form_is_refused():
  with pytest.raises(ValueError, match="predicts pixels: it needs --noresidual"):
    blockcnn_kodak.blockcnn_kodak(residual=True)
