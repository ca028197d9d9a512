import numpy as np
import pytest
import tensorflow as tf

from deblock.model import losses

_RANDOM = np.random.default_rng(0)
_CLEAN = _RANDOM.uniform(size=(3, 5, 4, 3))
# Errors on both sides of one level.
_RESTORED = _CLEAN + _RANDOM.normal(0.0, 1.5 / 255.0, _CLEAN.shape)


def _smooth(error):
  error = np.abs(255.0 * error)
  return np.where(error < 1.0, error**2 / 2.0, error - 0.5)


@pytest.mark.parametrize(
  ("name", "formula"), [("l1", np.abs), ("l2", np.square), ("smooth_l1", _smooth)]
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_each_loss_is_its_formula_per_image(name, formula, dtype):
  restored, clean = _RESTORED.astype(dtype), _CLEAN.astype(dtype)
  expected = [formula(one - other).mean() for one, other in zip(restored, clean, strict=True)]
  made = losses.get(name)(tf.constant(restored), tf.constant(clean))
  assert made.dtype == dtype
  np.testing.assert_allclose(made.numpy(), expected, rtol=1e-5)


@pytest.mark.parametrize(("levels", "expected"), [(0.0, 0.0), (0.5, 0.125), (1.0, 0.5), (3.0, 2.5)])
def test_smooth_l1_is_quadratic_below_one_level_and_linear_above(levels, expected):
  clean = tf.zeros((1, 2, 2, 3), tf.float64)
  for sign in (1.0, -1.0):
    made = losses.smooth_l1(clean + sign * levels / 255.0, clean)
    np.testing.assert_allclose(made.numpy(), [expected], rtol=1e-9)


@pytest.mark.parametrize("name", losses.names())
def test_every_loss_is_zero_for_equal_images_alone_and_has_a_gradient(name):
  loss = losses.get(name)
  assert loss(_CLEAN, _CLEAN).numpy().tolist() == [0.0] * 3
  restored = tf.Variable(_RESTORED)
  with tf.GradientTape() as tape:
    total = tf.reduce_sum(loss(restored, tf.constant(_CLEAN)))
  assert total > 0
  gradient = tape.gradient(total, restored).numpy()
  np.testing.assert_array_equal(np.sign(gradient), np.sign(_RESTORED - _CLEAN))


def test_not_a_number_is_not_hidden():
  restored = _RESTORED.copy()
  restored[1, 0, 0, 0] = np.nan
  for name in losses.names():
    made = losses.get(name)(restored, _CLEAN).numpy()
    assert np.isnan(made).tolist() == [False, True, False]


def test_an_unknown_name_lists_the_choices():
  assert losses.names() == ("l1", "l2", "smooth_l1")
  with pytest.raises(ValueError, match="loss must be one of l1, l2, smooth_l1, got 'mse'"):
    losses.get("mse")
