import itertools

import numpy as np
import tensorflow as tf

from deblock.model.networks import smca


def _error(images):
  return tf.reduce_mean(images**2, axis=(1, 2, 3))


def test_stages_share_the_weights_and_end_with_the_restored_image(randomize):
  network = randomize(smca.smca(width=2))
  images = np.random.default_rng(0).uniform(size=(2, 9, 12, 3)).astype(np.float32)
  made = smca.stages(network)(images)
  assert len(made) == 3
  np.testing.assert_array_equal(made[-1], network(images))
  assert all(np.abs(one - other).max() > 1e-3 for one, other in itertools.pairwise(made))

  restored, losses = smca.objective(network)(images, np.array([10, 90]), _error)
  np.testing.assert_array_equal(restored, made[-1])
  np.testing.assert_allclose(losses, sum(_error(image) for image in made) / 3, rtol=1e-6)

  # A stage refines what the one before made: no change of a later one moves an earlier image.
  network.get_layer("stage3_head").bias.assign([1.0, 2.0, 3.0])
  after = smca.stages(network)(images)
  np.testing.assert_array_equal(after[1], made[1])
  assert (np.array(after[2]) != np.array(made[2])).any()


def test_the_number_of_parameters_is_that_of_the_layers():
  w, units, stages = 4, 4, 3
  unit = 3 * (9 * w * w + w) + (3 * w * 1 + 1) + (1 * 3 * w + 3 * w) + (3 * w * w + w)
  ends = sum(9 * channels * w + w for channels in (3, 6, 6)) + stages * (9 * w * 3 + 3)
  assert smca.smca(width=w).count_params() == stages * units * unit + ends
