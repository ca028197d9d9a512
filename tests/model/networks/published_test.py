"""Laws that the networks of other papers share; what is one network's own is tested beside it."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from deblock.model.networks import config, registry

NAMES = ("arcnn", "dncnn3", "fbcnn", "l4", "l8", "nafcar", "smca")
WIDTH = 3
# The others are made of the layers of these, by the same functions.
OF_OWN_LAYERS = ("fbcnn", "l8", "nafcar", "smca")
# Layers by which a mean over the whole image enters.
POOLED = ("strength/kernel", "_excite/kernel", "_weights/kernel")


def _positive(network):
  """Sets weights that cancel nothing and turn no ReLU off, and returns the network."""
  random = np.random.default_rng(1)
  for variable in network.weights:
    fan_in = np.prod(variable.shape[:-1]) if len(variable.shape) > 1 else 1.0
    # Deep networks' features grow: a sigmoid of them would have no gradient.
    scale = 1e-8 if variable.path.endswith(POOLED) else 1.0
    variable.assign(scale * random.uniform(0.5, 1.5, variable.shape) / fan_in)
  return network


def _images(height, width):
  return np.random.default_rng(0).uniform(size=(2, height, width, 3)).astype(np.float32)


@pytest.mark.parametrize("name", NAMES)
def test_a_trained_network_changes_an_image_of_odd_size(name, random_network):
  images = _images(7, 9)
  made = random_network(name)(images, training=False).numpy()
  assert made.shape == images.shape
  assert np.isfinite(made).all()
  assert (made != images).mean() > 0.5


@pytest.mark.parametrize("name", NAMES)
def test_every_weight_is_trained(name, untrained):
  network = _positive(untrained(name))
  run = registry.get(name).objective(network)
  images = _images(16, 16)
  with tf.GradientTape() as tape:
    restored, losses = run(
      images, np.array([10, 90]), lambda made: tf.reduce_mean(made**2, (1, 2, 3))
    )
    loss = tf.reduce_sum(losses)
  np.testing.assert_allclose(restored, network(images), rtol=1e-5)
  assert losses.shape == (2,)
  gradients = tape.gradient(loss, network.trainable_variables)
  for variable, gradient in zip(network.trainable_variables, gradients, strict=True):
    assert gradient is not None, variable.path
    assert np.isfinite(gradient.numpy()).all(), variable.path
    assert gradient.numpy().any(), variable.path


def _columns_seen(network, context):
  """Returns how far to the left and right the gradient of a block's pixels goes, in pixels."""
  first = context + 16
  images = tf.constant(_images(8, 2 * first + 8)[:1])
  with tf.GradientTape() as tape:
    tape.watch(images)
    block = network(images, training=False)[:, :, first : first + 8]
    # So large that what many layers leave of it is not rounded to zero.
    total = 1e25 * tf.reduce_sum(block)
  seen = np.flatnonzero(np.any(tape.gradient(total, images).numpy(), axis=(0, 1, 3)))
  return first - seen[0], seen[-1] - (first + 7)


@pytest.mark.parametrize("name", NAMES)
def test_a_block_depends_on_its_context_and_on_no_more(name, untrained):
  entry = registry.get(name)
  network = _positive(untrained(name))
  pooled = [variable for variable in network.weights if variable.path.endswith(POOLED)]
  assert bool(pooled) == entry.pools
  if pooled:
    assert min(_columns_seen(network, entry.context)) == entry.context + 16
  for variable in pooled:
    variable.assign(np.zeros(variable.shape))
  assert entry.context - 8 < max(_columns_seen(network, entry.context)) <= entry.context


# Keras converts variables in a way that NumPy 2 deprecates.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("name", OF_OWN_LAYERS)
def test_a_saved_network_is_the_same_when_loaded(name, random_network, tmp_path):
  network = random_network(name)
  network.save(tmp_path / "network.keras")
  loaded = keras.models.load_model(tmp_path / "network.keras")
  images = _images(9, 11)
  np.testing.assert_array_equal(loaded(images), network(images))


@pytest.mark.parametrize("name", ("arcnn", *OF_OWN_LAYERS))
def test_mixed_precision_keeps_the_pixels_exact(name, randomize):
  entry = registry.get(name)
  condition = "tables" if "tables" in entry.conditions else ""
  settings = config.ModelConfig(model=name, width=WIDTH, condition=condition)
  keras.config.set_dtype_policy("mixed_bfloat16")
  try:
    network = registry.build(settings)
  finally:
    keras.config.set_dtype_policy("float32")
  assert {layer.compute_dtype for layer in network.layers} == {"bfloat16", "float32"}
  assert all(variable.dtype == "float32" for variable in network.weights)
  images = _images(9, 11)
  inputs = registry.configured(settings).inputs(images, np.full((2, 2, 8, 8), 20.0, np.float32))
  made = network(inputs, training=False)
  assert made.dtype == tf.float32
  np.testing.assert_array_equal(made, images)
  assert np.isfinite(randomize(network)(inputs, training=False).numpy()).all()
