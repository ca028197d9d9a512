"""The stream of batches: whatever the number of threads, and wherever it is entered."""

import numpy as np
import pytest
import tensorflow as tf

from deblock.pipeline import config as config_lib
from deblock.pipeline import dataset

_COUNT = 36
_KINDS = {
  "stored": {},
  "libjpeg": {"degradation": "online"},
  "jpegsim": {"degradation": "online", "jpeg": "jpegsim"},
  "pairs": {"sampling": "pairs", "qualities": (10, 30)},
}
# Crops: two batches a window of two tiles, four tiles a run of the shuffle, seven an epoch: 14
# batches are two epochs and where a window ends with one. Pairs: 67 batches an epoch.
_ENTRIES = {
  "stored": [(2, 0), (1, 13), (4, 14), (2, 29)],
  "libjpeg": [(1, 5), (4, 14)],
  "jpegsim": [(1, 3)],
  "pairs": [(2, 0), (1, 66), (4, 67)],
}


def _stream(records, kind, first_batch=0):
  config = config_lib.InputConfig(
    batch_size=4, crop_size=24, crops_per_tile=4, mixed_tiles=2, shuffled_tiles=4, **_KINDS[kind]
  )
  return dataset.training_dataset(config, records.manifest, 3, first_batch=first_batch)


@pytest.fixture(scope="module")
def through(records):
  """The first batches of the stream of each kind, by default threads."""
  counts = {"pairs": 74, "jpegsim": 8}
  return {
    kind: list(_stream(records, kind).take(counts.get(kind, _COUNT)).as_numpy_iterator())
    for kind in _KINDS
  }


@pytest.mark.parametrize(
  ("kind", "threads", "first"),
  [(kind, *entry) for kind, entries in _ENTRIES.items() for entry in entries],
)
def test_threads_and_entry_change_no_bit(records, through, kind, threads, first):
  options = tf.data.Options()
  options.threading.private_threadpool_size = threads
  options.threading.max_intra_op_parallelism = threads
  entered = _stream(records, kind, first).with_options(options)
  for made, expected in zip(
    entered.take(5).as_numpy_iterator(), through[kind][first : first + 5], strict=True
  ):
    for part, other in zip(made, expected, strict=True):
      np.testing.assert_array_equal(part, other)


def test_both_implementations_of_jpeg_make_the_same_stream(through):
  for made, expected in zip(through["jpegsim"], through["libjpeg"][:8], strict=True):
    for part, other in zip(made, expected, strict=True):
      np.testing.assert_array_equal(part, other)


def test_batches_of_a_stream_differ(through):
  """Otherwise the test above could not fail."""
  for made in through.values():
    assert len({one.clean.tobytes() for one in made}) == len(made)
