import numpy as np
import pytest
import tensorflow as tf

from deblock.model import restorer
from deblock.model.networks import registry

_ENTRY = registry.get("blockcnn")
_TABLES = np.arange(1, 129).reshape(2, 8, 8)


def _image(height, width):
  return np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)


@pytest.mark.parametrize("name", ["blockcnn", "blockcnn_fc"])
def test_an_untrained_network_restores_any_size_exactly(name, untrained):
  entry = registry.get(name)
  restore = restorer.Restorer(untrained(name), entry)
  for height, width in ((7, 9), (13, 40)):
    image = _image(height, width)
    restored = restore(image)
    assert restored.dtype == np.uint8
    np.testing.assert_array_equal(restored, image)


def test_without_padding_blocks_and_tiles_agree(random_network, photograph):
  entry = registry.get("blockcnn_fc")
  network = random_network("blockcnn_fc")
  image = photograph(61, 83)
  small, large = (restorer.Restorer(network, entry, tile)(image) for tile in (8, 128))
  assert np.abs(small.astype(int) - large.astype(int)).max() <= 1
  assert (large != image).mean() > 0.1


def test_a_block_depends_on_its_neighbours_alone(random_network, photograph):
  network = random_network("blockcnn")
  restore = restorer.Restorer(network, _ENTRY)
  image = photograph(48, 56)
  changed = 255 - image
  changed[8:32, 16:40] = image[8:32, 16:40]
  before, after = restore(image), restore(changed)
  np.testing.assert_array_equal(before[16:24, 24:32], after[16:24, 24:32])
  changed = 255 - image
  changed[16:24, 24:32] = image[16:24, 24:32]
  assert (restore(changed)[16:24, 24:32] != before[16:24, 24:32]).any()


@pytest.mark.parametrize("name", ["deblocknet_fast", "blockcnn_fc"])
def test_constant_weights_restore_alike_and_stay(random_network, name):
  entry, network = registry.get(name), random_network(name)
  image = _image(24, 40)
  variable, constant = (
    restorer.Restorer(network, entry, constant=constant) for constant in (False, True)
  )
  before = variable(image, _TABLES)
  np.testing.assert_allclose(constant(image, _TABLES).astype(int), before, atol=1)
  for weight in network.trainable_variables:
    weight.assign(tf.zeros(weight.shape))
  for _ in range(2):
    np.testing.assert_allclose(constant(image, _TABLES).astype(int), before, atol=1)
  other = _image(17, 9)  # Of another size: still with the weights of before.
  np.testing.assert_array_equal(variable(image, _TABLES), image)
  assert np.any(constant(other, _TABLES) != other)


def test_a_network_is_traced_once_and_runs_as_at_inference():
  seen = []

  def network(tiles, training):
    assert training is False
    seen.append(tiles.shape)
    return tiles[:, 8:-8, 8:-8]

  restore = restorer.Restorer(network, _ENTRY)
  for height, width in ((40, 32), (200, 96)):
    image = _image(height, width)
    np.testing.assert_array_equal(restore(image), image)
  assert [shape.as_list() for shape in seen] == [[None, 24, 24, 3]]
