import numpy as np
from scipy import fft, stats
import tensorflow as tf

from deblock.pipeline import augment, crop, seeds
from deblock.records import codec, jpeg_tables

_COUNT = 64
_RANDOM = np.random.default_rng(0)
_CLEAN = _RANDOM.integers(0, 256, (_COUNT, 16, 16, 3)).astype(np.uint8)
_TABLES = _RANDOM.integers(1, 256, (_COUNT, 2, 8, 8)).astype(np.float32)


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


def _apply(pairs=(_CLEAN,), tables=_TABLES, seed=0):
  turned, turned_tables = augment.random_symmetry(pairs, tables, seeds.derive(seed))
  return [images.numpy() for images in turned], turned_tables.numpy()


def test_one_decision_covers_all_images_of_a_pair():
  other = (255 - _CLEAN).astype(np.float32)
  (clean, inverted), _ = _apply((_CLEAN, other))
  assert (clean.dtype, inverted.dtype) == (np.uint8, np.float32)
  np.testing.assert_array_equal(inverted, 255 - clean.astype(np.float32))


def test_each_image_becomes_one_of_its_symmetries_with_the_same_pixels():
  (turned,), _ = _apply()
  found = {_which(image, original) for image, original in zip(turned, _CLEAN, strict=True)}
  assert found == set(range(8))
  np.testing.assert_array_equal(
    np.sort(turned.reshape(_COUNT, -1), axis=1), np.sort(_CLEAN.reshape(_COUNT, -1), axis=1)
  )


def test_the_eight_symmetries_have_equal_chance():
  image = np.arange(16, dtype=np.uint8).reshape(4, 4, 1)
  images = np.broadcast_to(image, (2000, 4, 4, 1))
  (turned,), _ = _apply((images,), np.ones((2000, 2, 8, 8), np.float32))
  counts = np.bincount([_which(one, image) for one in turned], minlength=8)
  assert stats.chisquare(counts).pvalue > 1e-3


def test_tables_are_transposed_exactly_when_the_pixels_are():
  (turned,), tables = _apply()
  for index in range(_COUNT):
    transposed = _which(turned[index], _CLEAN[index]) >= 4
    expected = _TABLES[index].transpose(0, 2, 1) if transposed else _TABLES[index]
    np.testing.assert_array_equal(tables[index], expected)


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
  crops = crop.cut(jpeg, crop.random_offsets(64, 64, 16, _COUNT, seeds.derive(1)), 16).numpy()
  tables = np.tile(jpeg_tables.quantization_tables(30)[np.newaxis], (_COUNT, 1, 1, 1))
  (turned,), turned_tables = _apply((crops,), tables)
  # Rounding pixels moves a coefficient by a few levels; the smallest step here is 17.
  assert _misfit(turned, turned_tables[:, 0]).max() < 4
  exchanged = (turned_tables != tables).any(axis=(1, 2, 3))
  assert 0 < exchanged.sum() < _COUNT
  assert _misfit(turned, tables[:, 0])[exchanged].max() > 10


def test_the_seed_decides_and_a_dataset_gives_the_same():
  (first,), first_tables = _apply(seed=1)
  (other,), _ = _apply(seed=2)
  assert (first != other).any()

  def turn(clean, tables):
    (turned,), tables = augment.random_symmetry((clean,), tables, seeds.derive(1))
    return turned, tables

  ((turned, tables),) = tf.data.Dataset.from_tensors((_CLEAN, _TABLES)).map(turn)
  np.testing.assert_array_equal(turned.numpy(), first)
  np.testing.assert_array_equal(tables.numpy(), first_tables)
