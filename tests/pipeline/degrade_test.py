import collections

import numpy as np
import pytest
from scipy import stats
import tensorflow as tf

from deblock.pipeline import config, degrade, seeds
from deblock.records.jpeg import codec
from deblock.records.jpeg import tables as jpeg_tables

_STREAMS = tf.constant([b"ten", b"twenty", b"thirty", b"forty"])
_QUALITIES = tf.constant([10, 20, 30, 40], tf.int64)
_NAMES = {10: b"ten", 20: b"twenty", 30: b"thirty", 40: b"forty"}


def _chosen(wanted, count=400):
  """Returns how often each quality is chosen, inside a dataset."""
  dataset = tf.data.Dataset.range(count).map(
    lambda index: degrade.choose_stored(_STREAMS, _QUALITIES, wanted, seeds.derive(0, index))
  )
  counts = collections.Counter()
  for stream, quality in dataset.as_numpy_iterator():
    assert stream == _NAMES[quality]
    counts[int(quality)] += 1
  return counts


@pytest.mark.parametrize("wanted", [(), (40, 10, 20), (30, 90)])
def test_each_stored_and_wanted_quality_has_equal_chance(wanted):
  counts = _chosen(wanted)
  assert set(counts) == (set(wanted) & set(_NAMES) if wanted else set(_NAMES))
  if len(counts) > 1:
    assert stats.chisquare(list(counts.values())).pvalue > 1e-3


def test_the_choice_is_the_same_alone_and_inside_a_dataset():
  stream, quality = degrade.choose_stored(_STREAMS, _QUALITIES, (), seeds.derive(0, 3))
  dataset = tf.data.Dataset.range(3, 4).map(
    lambda index: degrade.choose_stored(_STREAMS, _QUALITIES, (), seeds.derive(0, index))
  )
  assert (quality.dtype, quality.shape, stream.shape) == (tf.int32, (), ())
  assert next(dataset.as_numpy_iterator()) == (stream.numpy(), quality.numpy())


def test_a_tile_without_a_wanted_quality_is_an_error_alone_and_inside_a_dataset():
  message = r"no tile stores any of the qualities \(50, 60\)"
  with pytest.raises(tf.errors.InvalidArgumentError, match=message):
    degrade.choose_stored(_STREAMS, _QUALITIES, (50, 60), seeds.derive(0))
  dataset = tf.data.Dataset.from_tensors(_QUALITIES).map(
    lambda qualities: degrade.choose_stored(_STREAMS, qualities, (50, 60), seeds.derive(0))
  )
  with pytest.raises(tf.errors.InvalidArgumentError, match=message):
    next(iter(dataset))


@pytest.mark.parametrize("jpeg", config.JPEGS)
def test_each_crop_is_compressed_at_its_own_quality(photograph, jpeg):
  crops = np.stack([photograph(40, 40, number) for number in range(4)])
  qualities = [5, 30, 75, 100]
  tables = np.stack([jpeg_tables.quantization_tables(q) for q in qualities]).astype(np.float32)
  expected = np.stack(
    [codec.decode(codec.encode(c, q)) for c, q in zip(crops, qualities, strict=True)]
  )
  alone = degrade.compress(tf.constant(crops), tf.constant(qualities), tf.constant(tables), jpeg)
  (inside,) = tf.data.Dataset.from_tensors((crops, qualities, tables)).map(
    lambda *made: degrade.compress(*made, jpeg)
  )
  for found in (alone, inside):
    np.testing.assert_array_equal(np.stack(found), expected)


def test_a_quality_that_is_none_is_an_error(photograph):
  crops = tf.constant(photograph(16, 16)[np.newaxis])
  with pytest.raises(tf.errors.InvalidArgumentError, match=r"quality must be in \[1, 100\]"):
    degrade.compress(crops, tf.constant([0]), tf.ones((1, 2, 8, 8)), "libjpeg")


def test_another_jpeg_is_named(photograph):
  crops = tf.constant(photograph(16, 16)[np.newaxis])
  with pytest.raises(ValueError, match="jpeg must be one of libjpeg, jpegsim, got 'mozjpeg'"):
    degrade.compress(crops, tf.constant([50]), tf.ones((1, 2, 8, 8)), "mozjpeg")
