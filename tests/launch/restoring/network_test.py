import pytest

from deblock.launch.restoring import network
from deblock.model import pretrained, restorer, tiling
from deblock.model.networks import registry

_MIB = 2**20


@pytest.mark.parametrize("name", ["deblocknet", "deblocknet_fast"])
def test_a_tile_takes_no_more_than_it_may_and_has_whole_blocks(name):
  entry = registry.get(name)
  tiles = [network.tile_within(mib * _MIB, entry) for mib in (1, 64, 128, 512, 4096)]
  assert tiles == sorted(tiles)
  assert tiles[0] == 64 and tiles[-1] == tiling.TILE_WITH_CONTEXT
  assert all(tile % 16 == 0 for tile in tiles)
  assert (tiles[2] + 2 * entry.context) ** 2 * 900 <= 128 * _MIB


@pytest.mark.parametrize(("model", "tile"), [("deblocknet", 224), ("blockcnn_fc", None)])
def test_the_tile_is_of_networks_that_keep_the_size_alone(monkeypatch, model, tile):
  made = []
  monkeypatch.setattr(pretrained, "load", lambda name: (name, registry.get(model)))
  monkeypatch.setattr(
    restorer,
    "Restorer",
    lambda *given, constant, ensemble: made.append((*given, constant, ensemble)),
  )
  network.load("mine", window_bytes=(tile or 224) ** 2 * 1500)
  network.load("mine", self_ensemble=True)
  shared = ("mine", registry.get(model))
  assert made == [(*shared, tile, True, False), (*shared, None, True, True)]


def test_unknown_weights_and_missing_runs_are_named(tmp_path):
  with pytest.raises(ValueError, match=f"one of {', '.join(pretrained.names())}, got 'best'"):
    network.load("best")
  with pytest.raises(FileNotFoundError, match="holds no run"):
    network.load(logdir=str(tmp_path))
