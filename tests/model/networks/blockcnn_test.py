import keras
import numpy as np
import pytest
import tensorflow as tf

from deblock.model.networks import blockcnn, blocks

_BUILDERS = {"blockcnn": blockcnn.blockcnn, "blockcnn_fc": blockcnn.blockcnn_fc}
_CONTEXTS = {"blockcnn": 8, "blockcnn_fc": 16}
# Of the published prediction branch, 16x24 to 12x12.
_PREDICTION_KERNELS = ((3, 5), (3, 5), (1, 5))


def _images(height, width, count=2):
  shape = (count, height, width, 3)
  return np.random.default_rng(0).uniform(size=shape).astype(np.float32)


def _run(network, images):
  return network(images, training=False).numpy()


def _trainable(network):
  return sum(int(np.prod(variable.shape)) for variable in network.trainable_variables)


def _published(width):
  """Returns the prediction branch of the published code."""
  images = keras.Input((None, None, 3))
  features = blockcnn.trunk(
    images, width, _PREDICTION_KERNELS, "same", blocks.published_initializer(), False
  )
  return keras.Model(images, keras.layers.Conv2D(3, 1, use_bias=False)(features))


def _trunk_parameters(width, kernels):
  """Returns the number of the trunk's parameters with a head of 1x1→3, from the table of layers."""
  stages = zip((1, 2, 4, 8, 4, 2, 1), (*kernels, 1, 1, 1, 1), (2, 1, 2, 1, 1, 1, 1), strict=True)
  total, before = 0, 3
  for factor, area, bottlenecks in stages:
    channels = factor * width
    total += area * before * channels + 2 * channels
    total += bottlenecks * (11 * channels**2 + 3 * 2 * channels)
    before = channels
  return total + 3 * width


def test_the_published_network_has_its_number_of_parameters():
  assert _trunk_parameters(64, (15, 15, 5)) == 6_147_968
  assert _trainable(_published(blockcnn.PAPER_WIDTH)) == 6_147_968


def test_the_published_network_maps_its_neighbours_to_the_block_and_its_border():
  assert _run(_published(2), _images(16, 24)).shape == (2, 12, 12, 3)


@pytest.mark.parametrize("name", _BUILDERS)
def test_the_removal_branch_has_the_parameters_of_its_table(name):
  assert _trainable(_BUILDERS[name](width=4)) == _trunk_parameters(4, (25, 25, 25))


@pytest.mark.parametrize("name", _BUILDERS)
@pytest.mark.parametrize("residual", [True, False])
def test_the_output_lacks_the_context(random_network, name, residual):
  network = random_network(name, residual)
  context = _CONTEXTS[name]
  side = 8 + 2 * context
  assert network.output_shape == (None, None, None, 3)
  made = _run(network, _images(side, side + 8))
  assert made.shape == (2, 8, 16, 3)
  assert made.dtype == np.float32


@pytest.mark.parametrize("name", _BUILDERS)
def test_an_untrained_residual_network_is_the_identity_in_training_too(untrained, name):
  network, context = untrained(name), _CONTEXTS[name]
  images = _images(8 + 2 * context, 16 + 2 * context)
  made = network(images, training=True).numpy()
  np.testing.assert_array_equal(made, images[:, context:-context, context:-context])


@pytest.mark.parametrize("name", _BUILDERS)
def test_the_residual_is_scaled_and_added_to_the_block(random_network, name):
  network, context = random_network(name), _CONTEXTS[name]
  images = _images(8 + 2 * context, 8 + 2 * context)
  block = images[:, context:-context, context:-context]
  head = keras.Model(network.input, network.get_layer("head").output)
  residual = 0.05 * _run(head, images)
  assert np.abs(residual).max() > 0.01
  np.testing.assert_allclose(_run(network, images), block + residual, atol=1e-6)


@pytest.mark.parametrize("name", _BUILDERS)
def test_the_published_form_predicts_pixels(random_network, name):
  side = 8 + 2 * _CONTEXTS[name]
  made = _run(random_network(name, False), 100.0 * _images(side, side))
  assert made.min() >= 0.0
  assert made.max() <= 1.0
  assert made.std() > 0.01


def test_the_published_form_starts_as_published():
  network = blockcnn.blockcnn(width=8, residual=False)
  variables = {variable.path: variable.numpy() for variable in network.trainable_variables}
  kernels = [value.ravel() for path, value in variables.items() if path.endswith("kernel")]
  assert abs(np.concatenate(kernels).std() - 0.02) < 0.0005
  gains = [value for path, value in variables.items() if path.endswith("gamma")]
  assert len(gains) == 7 + 3 * 9
  assert all((gain == 1.0).all() for gain in gains)


def test_without_padding_an_image_at_once_is_its_blocks_one_by_one(random_network):
  network = random_network("blockcnn_fc")
  images = _images(32 + 16, 32 + 24)
  at_once = _run(network, images)
  for row in (0, 8):
    for column in (0, 8, 16):
      block = _run(network, images[:, row : row + 40, column : column + 40])
      expected = at_once[:, row : row + 8, column : column + 8]
      np.testing.assert_allclose(block, expected, atol=1e-5)
  center = images[:, 16:-16, 16:-16]
  assert np.abs(at_once - center).max() > 0.01


def test_with_padding_a_block_depends_on_how_much_is_shown(random_network):
  network = random_network("blockcnn")
  images = _images(24, 32)
  whole = _run(network, images)[:, :, :8]
  assert np.abs(whole - _run(network, images[:, :, :24])).max() > 1e-3


@pytest.mark.parametrize(("name", "unseen"), [("blockcnn", 0), ("blockcnn_fc", 1)])
def test_a_block_depends_on_its_whole_neighbourhood(random_network, name, unseen):
  """All of 24x24 pixels with padding, 38x38 of 40x40 without."""
  network = random_network(name)
  side = 8 + 2 * _CONTEXTS[name]
  images = tf.constant(_images(side, side, count=1))
  with tf.GradientTape() as tape:
    tape.watch(images)
    total = tf.reduce_sum(tf.square(network(images, training=False)))
  seen = np.abs(tape.gradient(total, images).numpy()).sum(axis=(0, 3)) > 0
  expected = np.zeros((side, side), bool)
  expected[unseen : side - unseen, unseen : side - unseen] = True
  np.testing.assert_array_equal(seen, expected)


@pytest.mark.parametrize("name", _BUILDERS)
def test_every_weight_is_trained_and_every_statistic_follows(random_network, name):
  network = random_network(name)
  side = 8 + 2 * _CONTEXTS[name]
  before = [variable.numpy() for variable in network.non_trainable_variables]
  _run(network, _images(side, side))
  for variable, old in zip(network.non_trainable_variables, before, strict=True):
    np.testing.assert_array_equal(variable.numpy(), old)
  with tf.GradientTape() as tape:
    loss = tf.reduce_mean(tf.square(network(_images(side, side), training=True)))
  gradients = tape.gradient(loss, network.trainable_variables)
  for variable, gradient in zip(network.trainable_variables, gradients, strict=True):
    assert gradient is not None, variable.path
    assert np.isfinite(gradient.numpy()).all(), variable.path
    assert np.abs(gradient.numpy()).max() > 0, variable.path
  for variable, old in zip(network.non_trainable_variables, before, strict=True):
    assert (variable.numpy() != old).any(), variable.path


# Keras converts variables in a way that NumPy 2 deprecates.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize(("name", "residual"), [("blockcnn", False), ("blockcnn_fc", True)])
def test_a_saved_network_is_the_same_when_loaded(random_network, tmp_path, name, residual):
  network = random_network(name, residual)
  side = 8 + 2 * _CONTEXTS[name]
  network.save(tmp_path / "network.keras")
  loaded = keras.models.load_model(tmp_path / "network.keras")
  images = _images(side, side)
  np.testing.assert_array_equal(_run(loaded, images), _run(network, images))


def test_the_width_of_the_paper_is_the_default():
  assert blockcnn.PAPER_WIDTH == 64
  parameters = _trainable(blockcnn.blockcnn())
  assert parameters == _trunk_parameters(64, (25, 25, 25))
  assert round(parameters / 1e6, 1) == 6.9
