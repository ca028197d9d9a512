import keras
import numpy as np
import pytest

from deblock.model.networks import l8


@pytest.mark.parametrize(
  ("build", "channels", "parameters"),
  [(l8.l8, 1, 220_545), (l8.l8, 3, 234_691), (l8.l4, 1, 60_929), (l8.l4, 3, 71_875)],
)
def test_the_number_of_parameters_is_that_of_the_layers(build, channels, parameters):
  """L8's from a re-implementation of the paper, L4's by hand from our reading."""
  assert build(channels=channels).count_params() == parameters


def test_filters_start_with_zero_mean():
  network = l8.l8(width=4, residual=False)
  layers = [layer for layer in network.layers if isinstance(layer, keras.layers.Conv2D)]
  kernels = [layer.kernel.numpy() for layer in layers]
  assert len(kernels) == 8
  for kernel in kernels:
    np.testing.assert_allclose(np.mean(kernel, axis=(0, 1, 2)), 0.0, atol=1e-7)
    limit = np.sqrt(6.0 / (np.prod(kernel.shape[:2]) * sum(kernel.shape[2:])))
    # A uniform distribution's deviation, of what centring leaves of it.
    free = 1.0 - 1.0 / np.prod(kernel.shape[:3])
    np.testing.assert_allclose(np.std(kernel), limit * np.sqrt(free / 3.0), rtol=0.15)
  assert (kernels[1] != kernels[2][:, :, :4]).all()


def test_the_initialiser_survives_its_config():
  initializer = l8.ZeroMean(seed=3)
  again = l8.ZeroMean.from_config(initializer.get_config())
  np.testing.assert_array_equal(again((3, 3, 2, 4)), initializer((3, 3, 2, 4)))


@pytest.mark.parametrize("build", [l8.l4, l8.l8])
def test_the_direct_form_is_never_below_zero(build, randomize):
  network = randomize(build(width=4, residual=False))
  images = np.random.default_rng(0).uniform(size=(2, 16, 16, 3)).astype(np.float32)
  made = network(images).numpy()
  assert made.min() == 0.0
  assert made.max() > 0.0


def test_the_first_layer_is_joined_to_two_later_ones():
  network = l8.l8(width=4)
  first = network.get_layer("activation1").output
  assert [network.get_layer(f"skip{skip}").input[1] is first for skip in (1, 2)] == [True, True]
  assert [network.get_layer(f"skip{skip}").input[0].shape[-1] for skip in (1, 2)] == [8, 8]
