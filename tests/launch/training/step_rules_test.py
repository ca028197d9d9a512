"""What a step does besides the optimiser's own: clipping, parts, scaling, precision, compiling."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from deblock.launch.settings import optimization as optimization_settings
from deblock.launch.training import optimization, step
from deblock.model import losses
from deblock.model.networks import registry
from deblock.pipeline import batch

RATE, BATCH, CROP, CONTEXT = 0.1, 4, 24, 8


def _data(count=1, offset=0.0):
  random = np.random.default_rng(0)
  shape = (count, BATCH, CROP, CROP, 3)
  clean = random.uniform(0.2, 0.8, shape).astype(np.float32)
  compressed = clean + random.normal(offset, 0.05, shape).astype(np.float32)
  tables = np.ones((count, BATCH, 2, 8, 8), np.float32)
  return batch.Batch(compressed, clean, np.full((count, BATCH), 25, np.int32), tables)


def _taken(name, count=1, loss=losses.l2, dtype="float32", repeated=1, **rules):
  """Returns a network after `count` steps of gradient descent, its weights before, and totals."""
  keras.utils.set_random_seed(0)
  entry = registry.get(name)
  with optimization.precision_of_layers(dtype):
    network = entry.build(4, True)
  optimizer = keras.optimizers.SGD(RATE)
  optimizer.build(network.trainable_variables)
  before = [weight.numpy() for weight in network.weights]
  strategy = tf.distribute.OneDeviceStrategy("/cpu:0")
  steps = step.training_steps(
    strategy, network, optimizer, loss, entry, BATCH, optimization.UpdateRules(**rules)
  )
  batches = iter(tf.data.Dataset.from_tensor_slices(_data(count)).repeat(repeated))
  totals = [steps(batches, tf.constant(count, tf.int32)) for _ in range(repeated)]
  return network, before, totals


def _values(network):
  return [weight.numpy() for weight in network.weights]


def _assert_close(some, others, **tolerance):
  for one, other in zip(some, others, strict=True):
    np.testing.assert_allclose(one, other, **tolerance)


def _gradients(network, weights):
  network.set_weights(weights)
  data = batch.Batch(*(tensor[0] for tensor in _data()))
  inner = data.clean[:, CONTEXT:-CONTEXT, CONTEXT:-CONTEXT]
  with tf.GradientTape() as tape:
    loss = tf.reduce_mean(tf.square(network(data.compressed, training=True) - inner))
  return [value.numpy() for value in tape.gradient(loss, network.trainable_variables)]


@pytest.mark.parametrize("share", [0.25, 4.0])
def test_gradients_are_shortened_together_and_only_if_they_are_too_long(tiny, share):
  network, before, _ = _taken(tiny)
  gradients = _gradients(network, before)
  norm = np.sqrt(sum(np.sum(np.square(gradient)) for gradient in gradients))
  network, _, (totals,) = _taken(tiny, clip_norm=float(share * norm))
  expected = [
    weight - RATE * min(1.0, share) * gradient
    for weight, gradient in zip(before, gradients, strict=True)
  ]
  _assert_close(_values(network), expected, rtol=1e-4, atol=1e-6)
  # Of the gradients before that.
  np.testing.assert_allclose(totals.gradient_norm, norm, rtol=1e-5)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_parts_of_a_batch_teach_what_the_whole_batch_does(tiny, jit_compile):
  whole, before, (totals,) = _taken(tiny, count=3)
  in_parts, _, (sums,) = _taken(tiny, count=3, parts=4, jit_compile=jit_compile)
  assert max(np.abs(a - b).max() for a, b in zip(_values(whole), before, strict=True)) > 1e-2
  _assert_close(_values(in_parts), _values(whole), atol=1e-6)
  _assert_close(sums, totals, rtol=1e-5)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_low_precision_learns_and_keeps_its_weights_in_float32(dtype):
  rules = {"loss_scale": optimization.LossScale()} if dtype == "float16" else {}
  network, before, totals = _taken("blockcnn_fc_tiny", dtype=dtype, repeated=12, **rules)
  found = [float(total.loss) for total in totals]
  assert np.isfinite(found).all() and found[-1] < 0.9 * found[0]
  assert {weight.dtype for weight in network.weights} == {"float32"}
  assert {dtype, "float32"} <= {layer.compute_dtype for layer in network.layers}
  # What rounding to half as many bits would have swallowed.
  moved = [np.abs(a - b).max() for a, b in zip(_values(network), before, strict=True)]
  assert min(moved) > 0


@pytest.fixture(autouse=True)
def _deeper(monkeypatch):
  """Three convolutions, so that there is one between the first and the last."""

  def build(width, residual):
    del residual
    image = keras.Input((None, None, 3))
    features = keras.layers.Conv2D(width, 9, activation="relu", dtype="float32")(image)
    features = keras.layers.Conv2D(width, 7, activation="relu")(features)
    return keras.Model(image, keras.layers.Conv2D(3, 3, dtype="float32")(features))

  entry = dataclasses.replace(
    registry.get("blockcnn_fc"), name="blockcnn_fc_tiny", build=build, context=CONTEXT
  )
  monkeypatch.setitem(registry._ENTRIES, entry.name, entry)


def test_a_scaled_loss_teaches_the_same(tiny):
  plain, _, (totals,) = _taken(tiny, count=3)
  scaled, _, (sums,) = _taken(tiny, count=3, loss_scale=optimization.LossScale())
  _assert_close(_values(scaled), _values(plain), rtol=1e-6)
  _assert_close(sums, totals, rtol=1e-6)


def test_a_step_whose_gradients_are_not_finite_changes_nothing_but_the_scale(tiny):
  def steep(restored, clean, tables):
    # Its value is finite, its slope is not: the root of zero.
    return losses.l2(restored, clean, tables) + tf.sqrt(0.0 * restored[:, 0, 0, 0])

  scale = optimization.LossScale()
  network, before, (totals,) = _taken(tiny, count=2, loss=steep, loss_scale=scale)
  _assert_close(_values(network), before, atol=0)
  assert np.isfinite(totals.loss) and totals.skipped == 2.0 and totals.gradient_norm == 0.0
  assert scale.factor.numpy() == optimization.FIRST_SCALE / 4
  _, _, (totals,) = _taken(tiny, loss=steep)
  assert totals.skipped == 0.0 and not np.isfinite(totals.gradient_norm)


def test_averages_follow_the_weights_of_every_step(tiny):
  keras.utils.set_random_seed(0)
  entry = registry.get(tiny)
  network = entry.build(4, True)
  settings = optimization_settings.OptimizationConfig(optimizer="sgd", ema_decay=0.999)
  optimizer = optimization.create(settings, network.trainable_variables)
  rules = optimization.rules(settings, network, optimizer, jit_compile=False)
  before = _values(network)
  strategy = tf.distribute.OneDeviceStrategy("/cpu:0")
  steps = step.training_steps(strategy, network, optimizer, losses.l2, entry, BATCH, rules)
  steps(iter(tf.data.Dataset.from_tensor_slices(_data())), tf.constant(1, tf.int32))
  expected = [
    2 / 11 * old + 9 / 11 * new for old, new in zip(before, _values(network), strict=True)
  ]
  _assert_close([average.numpy() for average in rules.averages], expected, rtol=1e-5, atol=1e-7)
