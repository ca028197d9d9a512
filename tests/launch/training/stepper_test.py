import contextlib
import types

import keras
import numpy as np
import pytest
import tensorflow as tf

from deblock.launch.machines import strategy as strategy_lib
from deblock.launch.training import optimization, profiling, stepper
from deblock.model.networks import registry
from deblock.pipeline import batch as batch_lib


class _LostError(Exception):
  pass


class _Batches:
  """The same batch without end, and notes of where it was asked for."""

  def __init__(self):
    clean = np.random.default_rng(0).uniform(size=(4, 24, 24, 3)).astype(np.float32)
    data = batch_lib.Batch(
      0.9 * clean, clean, np.full(4, 10, np.int32), np.ones((4, 2, 8, 8), np.float32)
    )
    self._iterator = iter(tf.data.Dataset.from_tensors(data).repeat())
    self.asked = []

  def at(self, step, done):
    self.asked.append((step, done))
    return self._iterator

  def errors_named(self):
    return contextlib.nullcontext()

  def origin(self, step):
    return f"of step {step}"


@pytest.fixture
def made(tiny, small_settings):
  """A stepper, its network, its batches, and the settings of its run."""
  run = small_settings(model=tiny, loss="l2", optimizer="sgd", momentum=0.0, warmup_steps=1)
  keras.utils.set_random_seed(0)
  network = registry.get(tiny).build(2, True)
  optimizer = optimization.create(run.optimization, network.trainable_variables)
  hosts = types.SimpleNamespace(
    strategy=strategy_lib.create("cpu"), lost_are_named=contextlib.nullcontext
  )
  batches = _Batches()
  profile = profiling.Profile("nowhere", 0, print)
  rules = optimization.UpdateRules()
  return stepper.Stepper(run, hosts, network, optimizer, rules, batches, profile), network, batches


def test_steps_are_taken_at_their_learning_rate_on_the_batches_of_their_place(made):
  taker, network, batches = made
  assert taker.rate(0, 0.0) == pytest.approx(1e-3)
  assert taker.rate(1, 0.0) == pytest.approx(2e-3)
  assert taker.rate(9, 0.5) == pytest.approx(1e-3)
  before = [weight.numpy() for weight in network.weights]
  first = taker.take(9, 1.0, 2)
  # The cosine has fallen to zero.
  for weight, value in zip(network.weights, before, strict=True):
    np.testing.assert_array_equal(weight.numpy(), value)
  second = taker.take(11, 0.0, 2)
  assert any((w.numpy() != v).any() for w, v in zip(network.weights, before, strict=True))
  assert batches.asked == [(9, 1.0), (11, 0.0)]
  assert all(isinstance(value, float) for value in second)
  assert first.finite == second.finite == 2.0 and first.error_jpeg > 0.0
  assert first.loss == pytest.approx(first.error)


def test_the_gauges_are_those_of_its_network_and_the_origin_that_of_its_batches(made):
  taker, network, _ = made
  squares = sum(float((weight.numpy() ** 2).sum()) for weight in network.trainable_weights)
  found = taker.gauges(1.0)
  assert found["train/weight_norm"] == pytest.approx(squares**0.5)
  assert found["train/waiting_share"] == 0.0
  assert taker.origin(3) == "of step 3"
