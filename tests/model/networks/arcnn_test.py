import numpy as np
import pytest

from deblock.model.networks import arcnn


@pytest.mark.parametrize(("channels", "parameters"), [(1, 106_561), (3, 117_731)])
def test_the_number_of_parameters_is_the_papers(channels, parameters):
  assert arcnn.arcnn(channels=channels).count_params() == parameters


def test_the_published_form_predicts_pixels(randomize):
  network = randomize(arcnn.arcnn(width=4, residual=False))
  images = np.random.default_rng(0).uniform(size=(1, 9, 9, 3)).astype(np.float32)
  residual = arcnn.arcnn(width=4)
  residual.set_weights(network.get_weights())
  np.testing.assert_allclose(residual(images), images + 0.1 * network(images), rtol=1e-4, atol=1e-5)
