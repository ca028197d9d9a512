import numpy as np
from PIL import Image
import pytest
import tensorflow as tf

from deblock.pipeline import chroma
from deblock.records.jpeg import sampling as jpeg_sampling


def _colours(step):
  """Returns an image of the RGB cube's colours, a step apart, and of its corners."""
  levels = np.append(np.arange(0, 255, step), 255).astype(np.uint8)
  cube = np.stack(np.meshgrid(levels, levels, levels), axis=-1)
  return cube.reshape(1, len(levels), -1, 3)


def test_colours_are_those_of_libjpeg():
  images = _colours(5)
  luma, planes = chroma.from_rgb(images)
  found = np.stack([luma[:, 0], planes[:, 0], planes[:, 1]], axis=-1)
  expected = np.array(Image.fromarray(images[0]).convert("YCbCr"))
  # Pillow's own conversion has fewer bits, hence the bound; its luma is the library's.
  np.testing.assert_array_equal(found[..., 0], Image.fromarray(images[0]).convert("L"))
  assert np.abs(found - expected).max() <= 1
  assert found.min() >= 0
  assert found.max() <= 255


def test_colours_come_back_within_the_rounding():
  images = _colours(15)
  again = chroma.to_rgb(*chroma.from_rgb(images)).numpy()
  assert (again.dtype, again.shape) == (np.uint8, images.shape)
  assert np.abs(again.astype(int) - images).max() <= 2


def test_gray_comes_back_exactly():
  images = np.repeat(np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1), 3, axis=3)
  np.testing.assert_array_equal(chroma.to_rgb(*chroma.from_rgb(images)), images)


def _rows(*rows):
  """Returns one plane, float32 [H, 1, W]."""
  return tf.constant(rows, tf.float32)[:, tf.newaxis]


def test_means_are_rounded_in_turn():
  plane = _rows([0, 1] * 8, [0, 1] * 8)
  np.testing.assert_array_equal(chroma.downsample(plane, "422")[0, 0], [0, 1] * 4)
  # A sum of 2 in 4 is a half.
  np.testing.assert_array_equal(chroma.downsample(plane, "420")[0, 0], [0, 1] * 4)
  np.testing.assert_array_equal(chroma.downsample(plane, "444"), plane)


def test_edges_are_repeated_before_the_mean_is_taken():
  plane = _rows([8, 8, 4], [8, 8, 4], [0, 0, 12])
  found = chroma.downsample(plane, "420")
  np.testing.assert_array_equal(found[:, 0], [[8, *[4] * 7], [0, *[12] * 7]])


def test_upsampling_is_the_triangle_filter():
  plane = _rows([16, 0, 32])
  expected = [16, 12, 4, 8, 24, 32]
  np.testing.assert_array_equal(chroma.upsample(plane, 1, 6, "422")[0, 0], expected)
  for height in (1, 2):
    found = chroma.upsample(plane, height, 6, "420")
    np.testing.assert_array_equal(found[:, 0], [expected] * height)
  tall = chroma.upsample(_rows([16] * 3, [0] * 3), 4, 5, "420")
  np.testing.assert_array_equal(tall[:, 0], [[level] * 5 for level in (16, 12, 4, 0)])


def test_narrow_planes_are_not_filtered():
  found = chroma.upsample(_rows([16, 0], [8, 4]), 3, 4, "420")
  np.testing.assert_array_equal(found[:, 0], [[16, 16, 0, 0]] * 2 + [[8, 8, 4, 4]])


@pytest.mark.parametrize("subsampling", sorted(jpeg_sampling.FACTORS))
@pytest.mark.parametrize("level", [0, 77, 255])
def test_a_constant_plane_stays_as_it_is(level, subsampling):
  plane = tf.fill([6, 2, 16], float(level))
  small = chroma.downsample(plane, subsampling)
  width = 16 // jpeg_sampling.FACTORS[subsampling][1]
  np.testing.assert_array_equal(chroma.upsample(small[:, :, :width], 6, 16, subsampling), plane)
