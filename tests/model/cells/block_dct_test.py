import numpy as np
from scipy import fft
import tensorflow as tf

from deblock.model.cells import block_dct

_PLANES = np.random.default_rng(0).uniform(-128, 127, (2, 16, 24)).astype(np.float32)


def test_coefficients_are_those_of_scipy_block_by_block():
  made = block_dct.forward(tf.constant(_PLANES)).numpy()
  assert made.shape == (2, 2, 3, 8, 8)
  for plane, row, column in np.ndindex(2, 2, 3):
    block = _PLANES[plane, 8 * row : 8 * row + 8, 8 * column : 8 * column + 8]
    expected = fft.dctn(block, norm="ortho")
    np.testing.assert_allclose(made[plane, row, column], expected, atol=2e-3)


def test_the_inverse_undoes_it_and_lengths_are_kept():
  coefficients = block_dct.forward(tf.constant(_PLANES))
  np.testing.assert_allclose(block_dct.inverse(coefficients).numpy(), _PLANES, atol=1e-3)
  np.testing.assert_allclose(np.linalg.norm(coefficients), np.linalg.norm(_PLANES), rtol=1e-6)


def test_doubles_stay_doubles():
  planes = tf.constant(_PLANES, tf.float64)
  made = block_dct.inverse(block_dct.forward(planes))
  assert made.dtype == tf.float64
  np.testing.assert_allclose(made.numpy(), _PLANES, atol=1e-10)
