import keras
import numpy as np
import pytest
import tensorflow as tf

from deblock.launch.settings import optimization as optimization_settings
from deblock.launch.training import optimization
from deblock.model.networks import registry

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
def test_xla_compiles_on_request_and_on_cpus(jit_compile, gpus, expected, monkeypatch):
  monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: ["device"] * gpus)
  settings = optimization_settings.OptimizationConfig(jit_compile=jit_compile)
  assert optimization.is_compiled(settings) is expected


def _normalised():
  keras.utils.set_random_seed(0)
  image = keras.Input((None, None, 3))
  return keras.Model(image, keras.layers.BatchNormalization()(keras.layers.Conv2D(3, 1)(image)))


def _rules(network, **settings):
  made = optimization_settings.OptimizationConfig(**settings)
  optimizer = optimization.create(made, network.trainable_variables)
  return optimization.rules(made, network, optimizer, False), optimizer


def test_a_checkpoint_holds_what_the_settings_ask_for():
  network = _normalised()
  plain, _ = _rules(network)
  assert plain.averages == [] and plain.state == {}
  rules, _ = _rules(network, ema_decay=0.9, precision="float16")
  assert set(rules.state) == {"averages", "loss_scale"}
  # The statistics of batch normalisation are averaged as well.
  for average, weight in zip(rules.state["averages"], network.weights, strict=True):
    np.testing.assert_array_equal(average.numpy(), weight.numpy())


def test_rules_come_from_the_settings():
  rules, _ = _rules(
    _normalised(), optimizer="sgd", clip_norm=2.0, accumulate_steps=3, weight_decay=0.1
  )
  assert (rules.clip_norm, rules.parts, rules.weight_decay) == (2.0, 3, 0.1)
  assert rules.loss_scale is None and not rules.jit_compile


@pytest.mark.parametrize("largest", [0.5, 0.999])
def test_averages_are_their_formula(largest):
  network = _normalised()
  weight = network.weights[0].value
  rules, optimizer = _rules(network, ema_decay=largest)
  expected = weight.numpy().astype(np.float64)
  values = np.random.default_rng(0).normal(size=(12, *weight.shape))
  with tf.distribute.OneDeviceStrategy("/cpu:0").scope():
    for count, value in enumerate(values, start=1):
      weight.assign(value)
      optimizer.iterations.assign_add(1)
      rules.averaging.apply(rules.weights)
      decay = min(largest, (1 + count) / (10 + count))
      expected = decay * expected + (1 - decay) * value
      np.testing.assert_allclose(rules.averages[0].numpy(), expected, rtol=1e-4, atol=1e-6)
  np.testing.assert_array_equal(weight.numpy(), values[-1].astype(np.float32))


def test_the_factor_is_halved_by_bad_steps_and_doubled_by_many_good_ones():
  scale = optimization.LossScale()
  assert not scale.accepts(tf.constant(float("nan"))) and scale.accepts(tf.constant(3.0))
  factor, good_steps = scale.variables
  scale.update(tf.constant(False))
  assert factor.numpy() == optimization.FIRST_SCALE / 2
  good_steps.assign(optimization.GOOD_STEPS - 2)
  scale.update(tf.constant(True))
  assert factor.numpy() == optimization.FIRST_SCALE / 2
  scale.update(tf.constant(True))
  assert (factor.numpy(), good_steps.numpy()) == (optimization.FIRST_SCALE, 0)
  scale.update(tf.constant(True))
  scale.update(tf.constant(False))
  # Not in a row.
  assert good_steps.numpy() == 0


def test_the_factor_stays_within_its_bounds():
  scale = optimization.LossScale()
  factor, good_steps = scale.variables
  factor.assign(optimization.LARGEST_SCALE)
  good_steps.assign(optimization.GOOD_STEPS - 1)
  scale.update(tf.constant(True))
  assert factor.numpy() == optimization.LARGEST_SCALE
  factor.assign(1.0)
  scale.update(tf.constant(False))
  assert factor.numpy() == 1.0
  # Scaling cannot be the cause any more: the run must stop.
  assert scale.accepts(tf.constant(float("inf")))


@pytest.mark.parametrize("name", registry.names())
def test_first_and_last_layers_and_all_weights_stay_float32(name):
  settings = registry.usual(name, width=2)
  before = keras.config.dtype_policy()
  with optimization.precision_of_layers("bfloat16"):
    network = registry.build(settings)
  assert keras.config.dtype_policy() == before
  assert {weight.dtype for weight in network.weights} == {"float32"}
  kinds = (keras.layers.Conv2D, keras.layers.Conv2DTranspose)
  convolutions = [layer for layer in network.layers if isinstance(layer, kinds)]
  assert convolutions[0].compute_dtype == convolutions[-1].compute_dtype == "float32"
  assert "bfloat16" in {layer.compute_dtype for layer in network.layers}
  assert network.output.dtype == "float32"


def test_the_policy_is_restored_after_an_error():
  with pytest.raises(ValueError, match="wrong"), optimization.precision_of_layers("float16"):
    raise ValueError("wrong")
  assert keras.layers.Dense(1).compute_dtype == "float32"
  with optimization.precision_of_layers("float16"):
    layer = keras.layers.Dense(1)
  assert layer(np.ones((1, 2), np.float32)).dtype == "float16"
