"""How long an epoch is."""

from deblock.pipeline import config as config_lib
from deblock.pipeline import pairs
from deblock.records.layout import manifest as manifest_lib


def crops(config: config_lib.InputConfig, manifest: manifest_lib.Manifest) -> int:
  """Returns the crops that are cut while every training record is seen once.

  Bad records that are left out are counted: finding them takes a pass over all of them.
  """
  if config.sampling == "pairs":
    return pairs.training_records(manifest, config.held_out_pairs)[-1]
  return manifest.count("train") * config.crops_per_tile
