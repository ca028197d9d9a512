import functools

import keras
import numpy as np
import tensorflow as tf

from deblock.model.networks import fbcnn


@functools.lru_cache
def _network():
  """Returns a narrow network that changes images, and images."""
  keras.utils.set_random_seed(0)
  network = fbcnn.fbcnn(width=2)
  random = np.random.default_rng(0)
  head = network.get_layer("head")
  head.kernel.assign(random.normal(size=head.kernel.shape))
  return network, random.uniform(size=(2, 9, 12, 3)).astype(np.float32)


def _parameters(w):
  """Returns the number of weights that the paper's layers have at a width."""

  def convolution(side, before, channels):
    return side * side * before * channels + channels

  def units(channels):
    return 4 * 2 * convolution(3, channels, channels)

  h = 8 * w
  scales = (w, 2 * w, 4 * w)
  between = sum(2 * units(c) + convolution(2, c, 2 * c) + convolution(2, 2 * c, c) for c in scales)
  prediction = units(h) + 2 * (h * h + h) + (h + 1)
  embedding = (h + h) + 2 * (h * h + h)
  modulation = sum(2 * (h * c + c) for c in scales)
  ends = convolution(3, 3, w) + convolution(3, w, 3)
  return ends + between + 2 * units(h) + prediction + embedding + modulation


def test_the_number_of_parameters_is_the_published_codes():
  """At its own width the network is too large to be built in a test."""
  assert _parameters(64) == 71_921_796
  assert _network()[0].count_params() == _parameters(2)


def test_the_dial_at_the_quality_that_is_found_changes_nothing():
  network, images = _network()
  restored, quality = fbcnn.predicting(network)(images)
  np.testing.assert_array_equal(restored, network(images))
  assert quality.shape == (2, 1)
  assert np.min(quality) > 1.0
  assert np.max(quality) < 99.0
  dialled = fbcnn.dialled(network)
  np.testing.assert_allclose(dialled([tf.constant(images), quality]), restored, atol=1e-5)
  other = dialled([tf.constant(images), 100.0 - quality])
  assert np.abs(other - restored).max() > 1e-3


def test_the_quality_counts_a_little_in_training():
  network, images = _network()
  truth = np.array([30, 80], np.int32)
  quality = fbcnn.predicting(network)(images)[1].numpy()[:, 0]
  restored, losses = fbcnn.objective(network)(
    images, truth, lambda made: tf.reduce_mean(tf.abs(made), axis=(1, 2, 3))
  )
  np.testing.assert_array_equal(restored, network(images))
  image_losses = np.mean(np.abs(restored), axis=(1, 2, 3))
  np.testing.assert_allclose(
    losses, image_losses + 0.001 * np.abs(quality - truth) / 100.0, rtol=1e-5
  )
