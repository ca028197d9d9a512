import dataclasses

import numpy as np
import pytest

from deblock.pipeline import batch as batch_lib
from deblock.pipeline import config as config_lib
from deblock.pipeline import dataset, held_out, pairs
from deblock.records.jpeg import codec
from deblock.records.layout import manifest as manifest_lib


def _config(**changes):
  return config_lib.InputConfig(**{"crop_size": 24, "shuffled_tiles": 4, **changes})


@pytest.mark.parametrize("wanted", [(), (30,)])
def test_evaluation_sees_the_test_split_decoded_exactly(records, wanted):
  found = list(held_out.tiles(_config(qualities=wanted), records.manifest, 2).as_numpy_iterator())
  assert len(found) == 2
  for (clean, compressed, qualities), tile in zip(found, records.tiles["test"][:2], strict=True):
    np.testing.assert_array_equal(clean, tile)
    assert qualities.tolist() == list(wanted or (10, 30))
    assert (clean.dtype, compressed.dtype, qualities.dtype) == (np.uint8, np.uint8, np.int32)
    expected = [codec.decode(codec.encode(tile, int(quality))) for quality in qualities]
    np.testing.assert_array_equal(compressed, np.stack(expected))


def test_evaluation_takes_no_more_than_there_are(tmp_path, records, write_records):
  assert len(list(held_out.tiles(_config(), records.manifest, 100))) == 3
  without = write_records(tmp_path, {"train": [1]})
  assert not list(held_out.tiles(_config(), without.manifest, 100))


def test_evaluation_while_training_takes_val_where_there_is_one(tmp_path, write_records):
  made = write_records(tmp_path, {"train": [1], "val": [2], "test": [1]})
  found = [clean for clean, _, _ in held_out.tiles(_config(), made.manifest, 9)]
  np.testing.assert_array_equal(found, made.tiles["val"])
  empty = dataclasses.replace(made.manifest, splits={**made.manifest.splits, "val": ()})
  assert held_out.split(_config(), empty) == "test"
  pairs_of = _config(sampling="pairs", batch_size=12, augment=False)
  assert held_out.split(pairs_of, made.manifest) == "train"


def test_evaluation_of_pairs_sees_nothing_that_is_trained_on(records):
  config = _config(sampling="pairs", batch_size=12, held_out_pairs=0.5, augment=False)
  squares = set()
  for clean, _, _ in held_out.tiles(config, records.manifest, 100):
    squares |= {square.tobytes() for square in pairs.cut_all(clean, 24).numpy()}
  assert len(squares) == 3 * 48
  # More than an epoch.
  made = dataset.training_dataset(config, records.manifest, 0, floats=False).take(7 * 48 // 12)
  trained = {
    clean.tobytes() for one in made.as_numpy_iterator() for clean in batch_lib.Batch(*one).clean
  }
  assert {len(square) for square in trained | squares} == {24 * 24 * 3}
  assert not trained & squares


def test_images_of_pairs_are_held_out_if_all_their_pairs_are(records):
  # Seven images of 48 pairs, so that a quarter of the pairs is one image and most of the next.
  config = _config(sampling="pairs", held_out_pairs=0.25)
  assert held_out.images(config, records.manifest) == {"000.png"}


def test_images_of_crops_are_held_out_if_they_are_in_the_test_split():
  images = tuple(
    manifest_lib.ImageEntry(name, name, name, split, 1, 16, 16)
    for name, split in (("a.png", "train"), ("b.png", "test"), ("c.png", "test"))
  )
  made = manifest_lib.Manifest({"qualities": (10,)}, {}, images, ())
  assert held_out.images(_config(), made) == {"b.png", "c.png"}
