import dataclasses
import importlib.metadata
import sys
import types

import numpy as np
import pytest

from deblock.model import losses
from deblock.model.networks import config, registry
from deblock.records.jpeg import tables as jpeg_tables

_RESIDUAL = tuple(name for name in registry.names() if registry.get(name).residual)


def _images(height, width):
  return np.random.default_rng(0).uniform(size=(1, height, width, 3)).astype(np.float32)


def _run(entry, network, images):
  """Returns what the network makes of images that were JPEGs of quality 20."""
  tables = jpeg_tables.quantization_tables(20).astype(np.float32)[np.newaxis]
  return network(entry.inputs(images, tables), training=False).numpy()


def test_the_names_are_sorted_and_each_is_found():
  names = registry.names()
  assert {"blockcnn", "blockcnn_fc", "blockcnn_kodak"} <= set(names)
  assert list(names) == sorted(names)
  assert all(registry.get(name).name == name for name in names)


def test_an_unknown_name_lists_the_choices():
  message = f"one of {', '.join(registry.names())}, or MODULE:NAME of your own, got 'resnet'"
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
  assert entry.loss in losses.names()
  # Half of a crop, at least, is what the network takes off its sides.
  assert entry.training.crop_size > 2 * entry.consumed
  assert entry.training.crop_size >= 2 * entry.context or name == "fbcnn"


@pytest.mark.parametrize("name", registry.names())
def test_every_network_takes_off_each_side_what_its_entry_says(random_network, name):
  entry = registry.get(name)
  assert entry.consumed == (0 if entry.keeps_size else entry.context)
  side = 16 + 2 * entry.consumed
  network = random_network(name, name in _RESIDUAL)
  image_shape, tables_shape = (None, None, None, 3), (None, 2, 8, 8)
  expected = [image_shape, tables_shape] if entry.conditioned else image_shape
  assert network.input_shape == expected
  assert _run(entry, network, _images(side, side)).shape == (1, 16, 16, 3)


@pytest.mark.parametrize("name", _RESIDUAL)
def test_every_residual_network_starts_as_the_identity_at_any_size(untrained, name):
  entry, network = registry.get(name), untrained(name)
  sizes = ((1, 1), (7, 9), (24, 40)) if entry.keeps_size else ((8, 16),)
  for height, width in sizes:
    images = _images(height + 2 * entry.consumed, width + 2 * entry.consumed)
    made = _run(entry, network, images)
    assert made.dtype == np.float32
    kept = images[:, entry.consumed :, entry.consumed :]
    np.testing.assert_array_equal(made, kept[:, :height, :width])


@pytest.mark.parametrize("name", sorted(set(registry.names()) - set(_RESIDUAL)))
def test_a_network_that_is_not_residual_cannot_be_and_is_not_by_its_usual_settings(name):
  with pytest.raises(ValueError, match="noresidual"):
    registry.build(config.ModelConfig(model=name))
  assert registry.build(registry.usual(name, width=2)).name == name


# A network that pools depends on all it is shown, if weakly: its entry says so.
@pytest.mark.parametrize("name", [n for n in registry.names() if not registry.get(n).pools])
def test_blockwise_says_whether_a_block_depends_on_how_much_is_shown(random_network, name):
  entry = registry.get(name)
  network = random_network(name, name in _RESIDUAL)
  # The first block that has all its surroundings, with no more than them, and with eight more.
  first = entry.context - entry.consumed
  side = 8 + 2 * entry.context
  images = _images(side + 8, side + 8)
  block = np.s_[:, first : first + 8, first : first + 8]
  whole = _run(entry, network, images)[block]
  alone = _run(entry, network, images[:, :side, :side])[block]
  assert (np.abs(whole - alone).max() > 1e-4) == entry.blockwise


def _build(width, residual):
  """A network of somebody else."""
  return width, residual


@pytest.fixture
def module(monkeypatch):
  """A module that can be imported as `their`."""
  made = types.ModuleType("their")
  made.build, made.bare = _build, lambda width, residual: None
  monkeypatch.setattr(_build, "context", 16, raising=False)
  monkeypatch.setitem(sys.modules, "their", made)
  return made


def test_a_builder_of_another_package_is_a_network(module):
  entry = registry.get("their:build")
  assert (entry.name, entry.description) == ("their:build", "A network of somebody else.")
  assert entry.context == 16 and entry.keeps_size and entry.training.crop_size >= 32
  assert registry.build(config.ModelConfig(model="their:build", width=5)) == (5, True)


def test_an_entry_of_another_package_has_the_name_that_it_is_asked_for_by(module):
  module.entry = registry.get("blockcnn")
  assert registry.get("their:entry").name == "their:entry"
  assert registry.get("their:entry").blockwise


def test_entry_points_are_networks_by_name(module, monkeypatch):
  points = {"theirs": importlib.metadata.EntryPoint("theirs", "their:build", registry.GROUP)}
  monkeypatch.setattr(registry, "installed", lambda: points)
  assert "theirs" in registry.names() and registry.get("theirs").build is _build


@pytest.mark.parametrize(
  ("name", "message"),
  [
    ("nowhere_to_be_found:build", "No module named 'nowhere_to_be_found'.*PYTHONPATH"),
    ("their:other", "has no attribute 'other'"),
    ("their:bare", "with an attribute context"),
  ],
)
def test_what_is_no_network_is_named(module, name, message):
  with pytest.raises(ValueError, match=f"model '{name}' .*{message}"):
    registry.get(name)
