import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from deblock.model import macs, restorer
from deblock.model.networks import deblocknet, registry
from deblock.records.jpeg import tables as jpeg_tables

_BUILDERS = {
  "deblocknet": deblocknet.deblocknet,
  "deblocknet_fast": deblocknet.deblocknet_fast,
}
# Largest distance in pixels, up or to the left, of what a block depends on: two for each 3x3
# convolution at half resolution, four at a quarter.
_REACH = {"deblocknet": 2 * 14, "deblocknet_fast": 2 * 6 + 4 * 6}


def _images(height, width, count=1):
  shape = (count, height, width, 3)
  return np.random.default_rng(0).uniform(size=shape).astype(np.float32)


def _tables(*qualities):
  tables = [jpeg_tables.quantization_tables(quality) for quality in qualities]
  return np.stack(tables).astype(np.float32)


def _run(network, images, *qualities):
  return network([images, _tables(*qualities)], training=False).numpy()


def _unit(channels, vector=16):
  return 2 * (9 * channels**2 + channels) + (vector + 1) * 2 * channels


@pytest.mark.parametrize(
  ("name", "parameters", "most"),
  [("deblocknet", 473_452, 0.12e6), ("deblocknet_fast", 242_960, 0.02e6)],
)
def test_the_network_is_as_large_as_its_table_of_layers_and_no_slower(name, parameters, most):
  network = _BUILDERS[name]()
  embedding = (128 + 1) * 16 + (16 + 1) * 16
  if name == "deblocknet":
    expected = 108 * 64 + 64 + 16 * 64 + 6 * _unit(64) + (9 * 64 + 1) * 12
    work = (108 * 64 + 6 * 2 * 9 * 64**2 + 9 * 64 * 12) / 4
  else:
    expected = 108 * 24 + 24 + 16 * 24 + 2 * _unit(24) + (9 * 24 + 1) * 12
    expected += (4 * 24 + 1) * 60 + 3 * _unit(60) + (60 + 1) * 96
    work = (108 * 24 + 2 * 2 * 9 * 24**2 + 9 * 24 * 12) / 4
    work += (4 * 24 * 60 + 3 * 2 * 9 * 60**2 + 60 * 96) / 16
  assert network.count_params() == expected + embedding == parameters
  counted = macs.per_pixel(network, registry.get(name))
  # The dense layers' work is shared by all pixels of a tile.
  assert work < counted < work + 0.1
  assert counted <= most


@pytest.mark.parametrize("name", _BUILDERS)
@pytest.mark.parametrize("size", [(1, 1), (7, 9), (17, 8)])
def test_an_image_of_odd_size_goes_on_with_its_last_row_and_column(random_network, name, size):
  images = _images(*size)
  extent = [(0, -length % 8) for length in size]
  whole = np.pad(images, ((0, 0), *extent, (0, 0)), "edge")
  network = random_network(name)
  made, expected = _run(network, images, 30), _run(network, whole, 30)
  assert made.shape == images.shape
  np.testing.assert_allclose(made, expected[:, : size[0], : size[1]], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", _BUILDERS)
def test_each_image_is_restored_by_its_own_tables(random_network, name):
  network, images = random_network(name), _images(16, 24, count=2)
  together = _run(network, images, 10, 60)
  for index, quality in enumerate((10, 60)):
    alone = _run(network, images[index : index + 1], quality)
    np.testing.assert_allclose(together[index], alone[0], rtol=1e-4, atol=1e-4)
  assert np.abs(_run(network, images, 60, 10) - together).max() > 1e-2


@pytest.mark.parametrize("name", _BUILDERS)
def test_the_gradient_reaches_every_weight(random_network, name):
  network, images = random_network(name), _images(16, 24, count=2)
  with tf.GradientTape() as tape:
    restored = network([images, _tables(10, 60)], training=True)
    loss = tf.reduce_sum(tf.square(restored - images[::-1]))
  gradients = tape.gradient(loss, network.trainable_variables)
  assert len(network.trainable_variables) == len(network.weights)
  for variable, gradient in zip(network.trainable_variables, gradients, strict=True):
    assert gradient is not None and np.abs(gradient).max() > 0, variable.path


@pytest.mark.parametrize("name", _BUILDERS)
def test_the_same_pixels_are_restored_differently_within_a_block_and_alike_across(
  random_network, name
):
  first = registry.get(name).context
  side = 2 * first + 16
  gray = np.full((1, side, side, 3), 0.4, np.float32)
  inner = _run(random_network(name), gray, 20)[0, first:-first, first:-first]
  scale = np.abs(inner).max()
  for shift in (8, -8):
    np.testing.assert_allclose(np.roll(inner, shift, (0, 1)), inner, rtol=0, atol=1e-5 * scale)
  for axis in (0, 1):
    for shift in (1, 2, 4):
      assert np.abs(np.roll(inner, shift, axis) - inner).max() > 1e-2 * scale


def _look_far(network, tap, image, tables):
  """Makes each convolution see only its farthest pixel: what a block depends on is exaggerated.

  The output is scaled so that it varies within [0, 1].
  """
  random = np.random.default_rng(0)
  for variable in network.trainable_variables:
    value = np.zeros(variable.shape)
    if "modulation" not in variable.path and value.ndim == 4:
      # Branches weigh more than the identity that they are added to.
      value[tap, tap] = random.uniform(1, 2, value.shape[2:]) * 4 / value.shape[2]
    elif variable.path.endswith("stem/bias"):
      value += 8.0  # No activation cuts anything off.
    variable.assign(value)
  head = network.get_layer("head")
  made = network([image / np.float32(255), tables], training=False).numpy() - image / 255
  factor = 0.25 / made.std()
  head.kernel.assign(head.kernel * factor)
  # The last layer's 12 channels become 3, times the scale of residuals.
  head.bias.assign(np.full(12, -factor * made.mean() / deblocknet.RESIDUAL_SCALE))


# The first network is symmetric, the second has a stride.
@pytest.mark.parametrize(
  ("name", "tap"), [("deblocknet", 0), ("deblocknet_fast", 0), ("deblocknet_fast", -1)]
)
def test_tiles_agree_with_the_whole_image_and_would_not_with_less_context(
  name, tap, photograph, untrained
):
  entry, network = registry.get(name), untrained(name)
  image, tables = photograph(88, 101), _tables(20)[0]
  _look_far(network, tap, image[np.newaxis], tables[np.newaxis])
  whole = restorer.Restorer(network, entry)(image, tables).astype(int)
  assert whole.std() > 30

  def difference(context):
    shown = dataclasses.replace(entry, context=context)
    tiles = restorer.Restorer(network, shown, tile=40)(image, tables)
    return np.abs(tiles - whole).max()

  assert entry.context - 8 < _REACH[name] <= entry.context
  assert difference(entry.context) <= 1
  assert difference(entry.context - 8) > 10


# Keras converts variables in a way that NumPy 2 deprecates.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("name", _BUILDERS)
def test_saving_and_loading_changes_no_bit(random_network, name, tmp_path):
  network, images = random_network(name), _images(9, 16)
  network.save(tmp_path / "network.keras")
  again = keras.models.load_model(tmp_path / "network.keras")
  assert again.name == name
  np.testing.assert_array_equal(_run(again, images, 20), _run(network, images, 20))


@pytest.mark.parametrize(
  ("name", "policy"), [("deblocknet", "mixed_bfloat16"), ("deblocknet_fast", "mixed_float16")]
)
def test_in_mixed_precision_pixels_keep_theirs(name, policy, randomize):
  exact = _BUILDERS[name](3)
  before = keras.config.dtype_policy()
  keras.config.set_dtype_policy(policy)
  try:
    network = _BUILDERS[name](3)
  finally:
    keras.config.set_dtype_policy(before)
  images = _images(9, 16)
  made = _run(network, images, 20)
  assert made.dtype == np.float32
  np.testing.assert_array_equal(made, images)
  assert network.get_layer("head").compute_dtype == "float32"
  assert policy.removeprefix("mixed_") in {layer.compute_dtype for layer in network.layers}
  randomize(exact)
  network.set_weights(exact.get_weights())
  expected = _run(exact, images, 20) - images
  error = _run(network, images, 20) - images - expected
  assert 0 < np.abs(error).max() < 0.05 * np.abs(expected).max()


@pytest.mark.parametrize("name", _BUILDERS)
def test_predicting_pixels_is_refused(name):
  with pytest.raises(ValueError, match=f"{name} has no form that predicts pixels"):
    _BUILDERS[name](3, residual=False)
