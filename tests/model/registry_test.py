import dataclasses

import numpy as np
import pytest

from deblock.model import config, registry

# Networks that predict pixels and have no residual form.
_PIXELS_ONLY = ("blockcnn_kodak",)
_RESIDUAL = tuple(name for name in registry.names() if name not in _PIXELS_ONLY)


def _images(height, width):
  return np.random.default_rng(0).uniform(size=(1, height, width, 3)).astype(np.float32)


def test_the_names_are_sorted_and_each_is_found():
  names = registry.names()
  assert {"blockcnn", "blockcnn_fc", "blockcnn_kodak"} <= set(names)
  assert list(names) == sorted(names)
  assert all(registry.get(name).name == name for name in names)


def test_an_unknown_name_lists_the_choices():
  message = f"model must be one of {', '.join(registry.names())}, got 'resnet'"
  with pytest.raises(ValueError, match=message):
    registry.get("resnet")
  with pytest.raises(ValueError, match=message):
    registry.build(config.ModelConfig(model="resnet"))


def test_a_network_is_registered_once(monkeypatch):
  monkeypatch.setattr(registry, "_ENTRIES", dict(registry._ENTRIES))
  entry = dataclasses.replace(registry.get("blockcnn"), name="another")
  registry.register(entry)
  assert registry.get("another") is entry
  with pytest.raises(ValueError, match="model 'another' is registered twice"):
    registry.register(entry)


@pytest.mark.parametrize("name", registry.names())
def test_every_entry_is_described_in_known_terms(name):
  entry = registry.get(name)
  assert entry.description
  assert "\n" not in entry.description
  assert entry.context >= 0
  assert entry.context % 8 == 0
  assert entry.border in ("mirror", "zeros")


@pytest.mark.parametrize("name", registry.names())
def test_every_network_takes_its_context_off_each_side(random_network, name):
  side = 16 + 2 * registry.get(name).context
  network = random_network(name, name not in _PIXELS_ONLY)
  assert network.input_shape == (None, None, None, 3)
  assert network(_images(side, side), training=False).shape == (1, 16, 16, 3)


@pytest.mark.parametrize("name", _RESIDUAL)
def test_every_residual_network_starts_as_the_identity(name):
  context = registry.get(name).context
  images = _images(8 + 2 * context, 16 + 2 * context)
  network = registry.build(config.ModelConfig(model=name, width=2))
  made = network(images, training=False).numpy()
  np.testing.assert_array_equal(made, images[:, context : context + 8, context : context + 16])


@pytest.mark.parametrize("name", registry.names())
def test_blockwise_says_whether_a_block_depends_on_how_much_is_shown(random_network, name):
  entry = registry.get(name)
  network = random_network(name, name not in _PIXELS_ONLY)
  side = 8 + 2 * entry.context
  images = _images(side + 8, side + 8)
  whole = network(images, training=False).numpy()[:, :8, :8]
  alone = network(images[:, :side, :side], training=False).numpy()
  assert (np.abs(whole - alone).max() > 1e-4) == entry.blockwise
