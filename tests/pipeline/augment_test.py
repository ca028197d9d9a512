import numpy as np
from scipy import fft, stats
import tensorflow as tf

from deblock.pipeline import augment, crop, seeds
from deblock.records.jpeg import codec
from deblock.records.jpeg import tables as jpeg_tables

_RANDOM = np.random.default_rng(0)
_CLEAN = _RANDOM.integers(0, 256, (16, 16, 3)).astype(np.uint8)
_TABLES = _RANDOM.integers(1, 256, (2, 8, 8)).astype(np.float32)


def _symmetries(image):
  """Returns the eight symmetries of [P, P, ...], the four that exchange the axes last."""
  turns = [image, image[::-1], image[:, ::-1], image[::-1, ::-1]]
  return turns + [np.swapaxes(turn, 0, 1) for turn in turns]


def _which(turned, original):
  """Returns the index of the only symmetry of `original` that gives `turned`."""
  matches = [
    index for index, image in enumerate(_symmetries(original)) if np.array_equal(image, turned)
  ]
  assert len(matches) == 1
  return matches[0]


def _turn(index, images=(_CLEAN,), tables=_TABLES):
  """Returns images and tables turned by the symmetry of a seed."""
  symmetry = augment.random_symmetry(seeds.derive(0, index, 4))
  turned = tuple(augment.turned(tf.constant(image), symmetry) for image in images)
  return turned, augment.turned_tables(tf.constant(tables), symmetry)


def _turned(count, images=(_CLEAN,), tables=_TABLES):
  """Yields what `count` seeds make of images and tables, inside a dataset."""
  dataset = tf.data.Dataset.range(count).map(lambda index: _turn(index, images, tables))
  yield from dataset.as_numpy_iterator()


def test_one_decision_covers_all_images():
  other = (255 - _CLEAN).astype(np.float32)
  for (clean, inverted), _ in _turned(20, (_CLEAN, other)):
    assert (clean.dtype, inverted.dtype) == (np.uint8, np.float32)
    np.testing.assert_array_equal(inverted, 255 - clean.astype(np.float32))


def test_the_eight_symmetries_have_equal_chance():
  counts = np.bincount([_which(clean, _CLEAN) for (clean,), _ in _turned(1600)], minlength=8)
  assert len(counts) == 8
  assert stats.chisquare(counts).pvalue > 1e-3


def test_tables_are_transposed_exactly_when_the_pixels_are():
  kinds = set()
  for (clean,), tables in _turned(40):
    kinds.add(transposed := _which(clean, _CLEAN) >= 4)
    np.testing.assert_array_equal(tables, _TABLES.transpose(0, 2, 1) if transposed else _TABLES)
  assert kinds == {False, True}


def test_a_stack_is_turned_like_each_of_its_images():
  stack = np.stack([_CLEAN, 255 - _CLEAN])
  for (one, many), _ in _turned(20, (_CLEAN, stack)):
    np.testing.assert_array_equal(many, np.stack([one, 255 - one]))


def test_an_oblong_image_may_stand_upright_afterwards():
  oblong = _CLEAN[:8]
  shapes = {clean.shape for (clean,), _ in _turned(40, (oblong,))}
  assert shapes == {(8, 16, 3), (16, 8, 3)}


def _misfit(crops, steps):
  """Returns how far a gray crop's DCT coefficients are from multiples of the steps, at most."""
  blocks = crops[..., 0].reshape(-1, 2, 8, 2, 8).transpose(0, 1, 3, 2, 4) - 128.0
  coefficients = fft.dctn(blocks, axes=(-2, -1), norm="ortho")
  steps = steps[:, np.newaxis, np.newaxis]
  distance = np.abs(coefficients - steps * np.rint(coefficients / steps))
  return distance.max(axis=(1, 2, 3, 4))


def test_the_coefficients_of_a_turned_jpeg_are_multiples_of_its_turned_table():
  # Contrast is kept low: clipping at 0 or 255 would move coefficients off their multiples.
  gray = np.random.default_rng(1).integers(96, 160, (64, 64, 1)).astype(np.uint8)
  jpeg = codec.decode(codec.encode(gray, 30))
  steps = jpeg_tables.quantization_tables(30).astype(np.float32)
  offsets = crop.random_offsets(64, 64, 16, 8, seeds.derive(1))
  exchanged = 0
  for (turned,), tables in _turned(16, (jpeg,), steps):
    crops = crop.cut(tf.constant(turned), offsets, 16).numpy()
    count = len(crops)
    # Rounding pixels moves a coefficient by a few levels; the smallest step here is 17.
    assert _misfit(crops, np.broadcast_to(tables[0], (count, 8, 8))).max() < 4
    if (tables != steps).any():
      exchanged += 1
      assert _misfit(crops, np.broadcast_to(steps[0], (count, 8, 8))).max() > 10
  assert 0 < exchanged < 16


def test_the_seed_decides_alone_and_in_a_dataset():
  alone = [_turn(index) for index in range(12)]
  for ((one,), tables), ((other,), other_tables) in zip(alone, _turned(12), strict=True):
    np.testing.assert_array_equal(one.numpy(), other)
    np.testing.assert_array_equal(tables.numpy(), other_tables)
