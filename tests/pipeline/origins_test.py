import dataclasses

import numpy as np
import pytest

from deblock.pipeline import config as config_lib
from deblock.pipeline import dataset, origins


def _config(records, **changes):
  values = {"crop_size": 24, "batch_size": 4, "crops_per_tile": 4, "mixed_tiles": 3, **changes}
  return config_lib.InputConfig(records=records.manifest.folder, augment=False, **values)


def _is_part_of(crop, image):
  """Returns whether a crop of floats is somewhere in an image of bytes, on the grid of blocks."""
  crop = np.round(np.asarray(crop) * 255).astype(np.uint8)
  size = len(crop)
  padded = np.pad(image, [(size, size), (size, size), (0, 0)])
  return any(
    np.array_equal(padded[row : row + size, column : column + size], crop)
    for row in range(0, padded.shape[0] - size + 1, 8)
    for column in range(0, padded.shape[1] - size + 1, 8)
  )


def _assert_named(records, config, first, count, **share):
  """Checks each crop of some batches against the clean tile whose key it is said to have."""
  tiles = {f"{number:03d}.png/0/0": tile for number, tile in enumerate(records.tiles["train"])}
  batches = dataset.training_dataset(config, records.manifest, 7, first_batch=first, **share)
  seen = set()
  for place, made in enumerate(batches.take(count), first):
    keys = origins.keys(config, records.manifest, 7, place, **share)
    assert len(keys) == len(made.clean)
    for key, crop in zip(keys, made.clean, strict=True):
      assert _is_part_of(crop, tiles[key]), f"batch {place}, {key}"
    seen |= set(keys)
  return seen


@pytest.fixture
def records(write_records, tmp_path):
  return write_records(tmp_path, {"train": [3, 2, 2]})


def test_each_crop_is_of_the_tile_that_it_is_said_to_be_of(records):
  # From within a window of three batches into the next, which reaches into the second epoch.
  seen = _assert_named(records, _config(records), 5, 3)
  assert len(seen) > 3
  _assert_named(records, _config(records), 7, 1, batch_size=2)


def test_a_host_names_what_it_reads(records):
  keys = _assert_named(records, _config(records), 0, 2, host=1, hosts=2)
  assert keys == {"003.png/0/0", "004.png/0/0"}


def test_each_pair_is_of_the_image_that_it_is_said_to_be_of(records):
  config = _config(records, sampling="pairs", held_out_pairs=0.3, batch_size=40)
  # An epoch has 7 * 48 pairs less the first 100 of them: the sixth batch reaches into the second.
  seen = _assert_named(records, config, 4, 2)
  assert len(seen) == 5


def test_what_a_data_service_makes_has_no_known_order(records):
  config = dataclasses.replace(_config(records), data_service="grpc://host:5050")
  with pytest.raises(ValueError, match="data service"):
    origins.keys(config, records.manifest, 7, 0)
