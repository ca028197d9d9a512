import numpy as np
from PIL import Image
import pytest
import tensorflow as tf

from deblock.pipeline import resize


@pytest.mark.parametrize(
  ("size", "smallest", "expected"), [(24, 0.5, 48), (24, 0.7, 40), (32, 1.0, 32), (24, 2.0, 16)]
)
def test_the_source_is_whole_blocks_that_suffice_at_the_smallest_scale(size, smallest, expected):
  assert resize.source_size(size, smallest) == expected
  assert expected * smallest >= size


@pytest.mark.parametrize(("source", "size"), [(48, 24), (32, 24), (24, 24), (16, 24)])
def test_whole_images_are_resized_as_pillow_does_it(photograph, source, size):
  image = photograph(source, source)
  (found,) = resize.resized(tf.constant(image[np.newaxis]), tf.constant(size / source), size)
  resized = Image.fromarray(image).resize((size, size), Image.Resampling.BICUBIC)
  # Pillow rounds between its two passes.
  assert np.abs(found.numpy().astype(int) - np.asarray(resized)).max() <= 2
  if source == size:
    np.testing.assert_array_equal(found, image)


@pytest.mark.parametrize("scale", [0.5, 0.61, 0.97, 1.3])
def test_a_ramp_stays_a_ramp_of_another_slope(scale):
  """Pixel i of the result is the level at (i + 0.5) / scale of the source."""
  levels = 3 * np.arange(64, dtype=np.uint8)
  ramp = np.broadcast_to(levels[:, np.newaxis, np.newaxis], (1, 64, 64, 3))
  (found,) = resize.resized(tf.constant(ramp), tf.constant(scale), 24)
  expected = 3 * ((np.arange(24) + 0.5) / scale - 0.5)
  np.testing.assert_allclose(found[2:, 12, 1], expected[2:], atol=0.75)


def test_all_images_are_resized_alike_alone_and_inside_a_dataset(photograph):
  images = np.stack([photograph(48, 48), 255 - photograph(48, 48)])
  alone = resize.resized(tf.constant(images), tf.constant(0.55), 24)
  assert (alone.dtype, alone.shape) == (tf.uint8, (2, 24, 24, 3))
  assert np.abs(alone[0].numpy().astype(int) + alone[1].numpy() - 255).max() <= 1
  dataset = tf.data.Dataset.from_tensors((images, np.float32(0.55))).map(
    lambda images, scale: resize.resized(images, scale, 24)
  )
  assert dataset.element_spec == tf.TensorSpec((2, 24, 24, 3), tf.uint8)
  np.testing.assert_array_equal(next(iter(dataset)), alone)
