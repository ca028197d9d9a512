import numpy as np

from deblock.model.networks import nafcar


def _block(c):
  """Returns the parameters of NAFNet's block of c channels."""
  first = (2 * c * c + 2 * c) + (9 * 2 * c + 2 * c) + 2 * (c * c + c)
  second = (2 * c * c + 2 * c) + (c * c + c)
  return first + second + 2 * 2 * c + 2 * c


def test_the_number_of_parameters_is_that_of_the_layers():
  w = 4
  body = 4 * _block(w) + 4 * _block(2 * w) + 4 * _block(4 * w)
  scaling = sum(4 * c * 2 * c + 2 * c + 2 * c * 4 * c for c in (w, 2 * w))
  ends = (27 * w + w) + (9 * w * 3 + 3)
  assert nafcar.nafcar(width=w).count_params() == body + scaling + ends


def test_a_gate_multiplies_halves():
  features = np.random.default_rng(0).normal(size=(1, 2, 3, 6)).astype(np.float32)
  gate = nafcar.Gate()
  made = gate(features)
  np.testing.assert_allclose(made, features[..., :3] * features[..., 3:], rtol=1e-6)
  assert gate.compute_output_shape(features.shape) == made.shape


def test_channels_are_scaled_each_by_its_own_number_from_zero():
  features = np.random.default_rng(0).normal(size=(1, 2, 3, 3)).astype(np.float32)
  layer = nafcar.ChannelScale()
  np.testing.assert_array_equal(layer(features), np.zeros_like(features))
  layer.scale.assign([1.0, 2.0, -3.0])
  np.testing.assert_allclose(layer(features), features * [1.0, 2.0, -3.0], rtol=1e-6)
