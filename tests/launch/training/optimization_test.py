import keras
import numpy as np
import pytest
import tensorflow as tf

from deblock.launch.settings import optimization as optimization_settings
from deblock.launch.training import optimization

RATE, DECAY = 0.1, 0.2
GRADIENTS = (np.float64([0.5, -2.0]), np.float64([-1.0, 0.25]), np.float64([4.0, 0.125]))
START = np.float64([1.0, -3.0])


def _after_three_steps(decay=0.0, **settings):
  """Returns a kernel and a bias that had the same start and the same gradients."""
  weights = [
    keras.Variable(START.astype(np.float32), name=name, trainable=True)
    for name in ("kernel", "bias")
  ]
  made = optimization_settings.OptimizationConfig(
    learning_rate=RATE, weight_decay=decay, **settings
  )
  optimizer = optimization.create(made, weights)
  strategy = tf.distribute.OneDeviceStrategy("/cpu:0")
  for gradient in GRADIENTS:
    with strategy.scope():
      given = [tf.constant(gradient, tf.float32)] * 2
      optimization.apply(strategy, optimizer, given, weights, decay)
  assert int(optimizer.iterations.numpy()) == 3
  return [weight.numpy() for weight in weights]


def _adam(decay):
  """Kingma and Ba 2015, section 2: the step's size before epsilon is added to the root."""
  weight, mean, square = START, 0.0, 0.0
  for count, gradient in enumerate(GRADIENTS, start=1):
    mean = 0.9 * mean + 0.1 * gradient
    square = 0.999 * square + 0.001 * gradient**2
    size = np.sqrt(1 - 0.999**count) / (1 - 0.9**count)
    weight = weight - RATE * (size * mean / (np.sqrt(square) + 1e-7) + decay * weight)
  return weight


def _sgd(decay, momentum):
  weight, velocity = START, 0.0
  for gradient in GRADIENTS:
    velocity = momentum * velocity - RATE * gradient
    weight = weight + velocity - RATE * decay * weight
  return weight


def test_adamw_is_its_formula_and_only_kernels_decay():
  kernel, bias = _after_three_steps(optimizer="adamw", decay=DECAY)
  np.testing.assert_allclose(kernel, _adam(DECAY), rtol=1e-5)
  np.testing.assert_allclose(bias, _adam(0.0), rtol=1e-5)
  np.testing.assert_allclose(_after_three_steps(optimizer="adam")[0], _adam(0.0), rtol=1e-5)


@pytest.mark.parametrize(("momentum", "decay"), [(0.0, 0.0), (0.9, DECAY)])
def test_sgd_is_its_formula(momentum, decay):
  kernel, bias = _after_three_steps(optimizer="sgd", momentum=momentum, decay=decay)
  np.testing.assert_allclose(kernel, _sgd(decay, momentum), rtol=1e-5)
  np.testing.assert_allclose(bias, _sgd(0.0, momentum), rtol=1e-5)


@pytest.mark.parametrize(
  ("jit_compile", "gpus", "expected"),
  [("true", 1, True), ("false", 0, False), ("auto", 0, True), ("auto", 1, False)],
)
def test_xla_compiles_where_it_is_told_to_or_was_measured(jit_compile, gpus, expected, monkeypatch):
  monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: ["device"] * gpus)
  settings = optimization_settings.OptimizationConfig(jit_compile=jit_compile)
  assert optimization.is_compiled(settings) is expected


def test_only_what_is_asked_for_is_kept():
  keras.utils.set_random_seed(0)
  image = keras.Input((None, None, 3))
  network = keras.Model(image, keras.layers.BatchNormalization()(keras.layers.Conv2D(3, 1)(image)))
  plain = optimization.rules(optimization_settings.OptimizationConfig(), network, False)
  assert plain == optimization.Rules() and plain.state == {}
  settings = optimization_settings.OptimizationConfig(ema_decay=0.9, precision="float16")
  state = optimization.rules(settings, network, False).state
  assert set(state) == {"averages", "loss_scale"}
  # The statistics of batch normalisation too.
  for average, weight in zip(state["averages"], network.weights, strict=True):
    np.testing.assert_array_equal(average.numpy(), weight.numpy())
