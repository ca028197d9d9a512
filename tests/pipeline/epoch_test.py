import pytest

from deblock.pipeline import config, epoch


def test_an_epoch_takes_every_tiles_crops_or_every_pair_that_is_not_held_out(records):
  # Seven training tiles of 48x64 pixels, which are 48 blocks each.
  assert epoch.crops(config.InputConfig(crops_per_tile=4), records.manifest) == 28
  whole = config.InputConfig(sampling="pairs", held_out_pairs=0.0)
  assert epoch.crops(whole, records.manifest) == 7 * 48
  part = config.InputConfig(sampling="pairs", held_out_pairs=0.5)
  assert epoch.crops(part, records.manifest) == pytest.approx(7 * 24)
