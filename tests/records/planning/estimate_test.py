import functools
import pathlib

import pytest

from deblock.records.planning import config as config_lib
from deblock.records.planning import estimate
from deblock.records.sources import listing, opening
from deblock.records.writing import writer


def _config(**changes):
  return config_lib.RecordsConfig(records="out", **changes)


@pytest.mark.parametrize(
  ("total_mib", "images", "changes", "count"),
  [
    (1, 1, {}, 1),
    (1, 15, {}, 1),
    (1, 16, {}, 2),
    (1, 10**6, {}, 16),
    (128, 1, {}, 1),
    (129, 1, {}, 2),
    (128 * 100, 10**5, {}, 100),
    (128 * 100, 10**5, {"shard_mib": 64}, 200),
    (10**6, 10**6, {"shards": "7"}, 7),
  ],
)
def test_the_number_of_shards(total_mib, images, changes, count):
  assert estimate.shard_count(total_mib * 2**20, images, _config(**changes)) == count


@pytest.mark.parametrize("clean_encoding", ["raw", "png"])
def test_the_estimate_is_near_the_truth(tmp_path, write_images, small_config, clean_encoding):
  images = write_images(tmp_path / "images", sizes=((96, 144), (144, 96)))
  config = small_config(
    images, tmp_path / "out", qualities=(20, 50), clean_encoding=clean_encoding, test_share=0.0
  )
  made = writer.write(config)
  size = sum(entry.size_bytes for entry in made.splits["train"])
  source = opening.FileSource(functools.partial(listing.from_pattern, config.images))
  estimated = estimate.size_bytes(source, source.list(), config)
  # The tiles are tiny and noisy, so headers and tables weigh more than in real records.
  assert 0.6 * size < estimated < 1.4 * size


def test_images_that_cannot_be_used_count_as_nothing(tmp_path, write_images, small_config):
  images = write_images(tmp_path / "images", sizes=((48, 48), (48, 48)))
  source = opening.FileSource(functools.partial(listing.from_pattern, str(images)))
  config = small_config(images, "out")
  both = estimate.size_bytes(source, source.list(), config)
  pathlib.Path(images / "1.png").write_bytes(b"")
  assert estimate.size_bytes(source, source.list(), config) == pytest.approx(both / 2)


def test_the_tiles_that_are_left_out_are_not_counted(tmp_path, write_images, small_config):
  images = write_images(tmp_path / "images", sizes=((96, 96),))
  source = opening.FileSource(functools.partial(listing.from_pattern, str(images)))
  all_tiles, one_tile = (
    estimate.size_bytes(source, source.list(), small_config(images, "out", tiles_per_image=limit))
    for limit in (0, 1)
  )
  assert all_tiles == pytest.approx(4 * one_tile)
