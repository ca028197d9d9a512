import dataclasses
import itertools

import numpy as np
import pytest
import tensorflow as tf

from deblock.pipeline import pairs
from deblock.records.layout import schema


def _neighbourhoods(image, size):
  """Returns every whole block of an image in the middle of its surroundings, by a plain loop."""
  height, width, channels = image.shape
  margin = (size - 8) // 2
  found = []
  for top in range(0, height - 7, 8):
    for left in range(0, width - 7, 8):
      square = np.zeros((size, size, channels), image.dtype)
      for row, column in itertools.product(range(size), repeat=2):
        y, x = top - margin + row, left - margin + column
        if 0 <= y < height and 0 <= x < width:
          square[row, column] = image[y, x]
      found.append(square)
  return np.stack(found)


@pytest.mark.parametrize("size", [8, 24, 40])
@pytest.mark.parametrize(("height", "width"), [(24, 16), (21, 35)])
def test_each_block_stands_among_its_neighbours_and_zeros(photograph, height, width, size):
  image = photograph(height, width)
  expected = _neighbourhoods(image, size)
  np.testing.assert_array_equal(pairs.cut_all(image, size).numpy(), expected)
  (cut,) = tf.data.Dataset.from_tensors(tf.io.encode_png(image)).map(
    lambda data: pairs.cut_all(tf.io.decode_png(data, channels=3), size)
  )
  np.testing.assert_array_equal(cut.numpy(), expected)


@pytest.mark.parametrize("size", [16, 32, 20])
def test_a_square_without_a_block_in_its_middle_is_refused(size):
  message = f"crop_size must be an odd multiple of 8 with sampling=pairs, .*, got {size}"
  with pytest.raises(ValueError, match=message):
    pairs.cut_all(np.zeros((24, 24, 3), np.uint8), size)


def _key(serialized):
  return schema.parse(serialized, "raw").key.numpy()


@pytest.mark.parametrize("held_out", [0.0, 0.2, 0.999])
def test_what_is_trained_on_and_what_is_held_out_are_all_pairs(records, held_out):
  serialized, first_pairs, count = pairs.training_records(records.manifest, held_out)
  every = [(number, block) for number in range(7) for block in range(48)]
  threshold = int(held_out * len(every))
  trained = [
    (int(_key(record)[:3]), block)
    for record, first in zip(serialized, first_pairs, strict=True)
    for block in range(first, 48)
  ]
  assert trained == every[threshold:]
  assert count == len(trained)


@pytest.mark.parametrize(("held_out", "wholly"), [(0.1, 0), (0.2, 1), (0.999, 6)])
def test_images_are_held_out_only_if_all_their_pairs_are(records, held_out, wholly):
  keys = [_key(record) for record in pairs.held_out_records(records.manifest, held_out)]
  assert keys == [b"%03d.png/0/0" % number for number in range(wholly)]
  trained, _, _ = pairs.training_records(records.manifest, held_out)
  assert not set(keys) & {_key(record) for record in trained}


def test_an_image_that_ends_at_the_threshold_is_held_out(tmp_path, write_records):
  made = write_records(tmp_path, {"train": [4]}, size=(16, 16))
  assert len(list(pairs.held_out_records(made.manifest, 0.5))) == 2
  serialized, first_pairs, count = pairs.training_records(made.manifest, 0.5)
  assert (len(serialized), first_pairs, count) == (2, [0, 0], 8)


def test_the_order_is_that_of_the_keys_and_not_of_the_shards(records):
  made = records.manifest
  backwards = dataclasses.replace(made, splits={"train": made.splits["train"][::-1]})
  assert pairs.training_records(made, 0.2) == pairs.training_records(backwards, 0.2)
