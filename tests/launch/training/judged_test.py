import keras
import numpy as np
import pytest

from deblock.launch.run_folder import history
from deblock.launch.training import judged, optimization, precision
from deblock.model import restorer
from deblock.model.networks import registry


@pytest.fixture
def restored_with(monkeypatch):
  """What each restorer is made of, one after another: its network, and its weights at that time."""
  made = []

  def note(network, entry, constant):
    assert constant
    made.append((network, [weight.numpy() for weight in network.weights]))
    return len(made) - 1

  monkeypatch.setattr(restorer, "Restorer", note)
  return made


def test_what_is_judged_is_what_the_run_will_be_used_with(tiny, small_run, restored_with):
  entry = registry.get(tiny)
  run = small_run(model=tiny)
  network = entry.build(2, True)
  assert judged.restorers(run, entry, network, optimization.Rules())() == {history.MAIN: 0}
  assert restored_with[0][0] is network

  run = small_run(model=tiny, ema_decay=0.9)
  rules = optimization.rules(run.train, network, False)
  make = judged.restorers(run, entry, network, rules)
  for weight in network.weights:
    weight.assign(weight + 5.0)
  for average in rules.averages:
    average.assign_add(np.ones(average.shape, np.float32))
  assert make() == {history.MAIN: 1, history.AVERAGED: 2}
  (_, raw), (_, averaged) = restored_with[1:]
  for weight, one, other in zip(network.weights, raw, averaged, strict=True):
    np.testing.assert_array_equal(one, weight.numpy())
    np.testing.assert_allclose(other, weight.numpy() - 4.0, atol=1e-5)


def test_a_network_in_low_precision_is_judged_in_float32(tiny, small_run, restored_with):
  entry, run = registry.get(tiny), small_run(model=tiny, precision="bfloat16")
  with precision.of_layers("bfloat16"):
    network = entry.build(2, True)
  keras.utils.set_random_seed(1)
  judged.restorers(run, entry, network, optimization.Rules())()
  ((shown, weights),) = restored_with
  assert {layer.compute_dtype for layer in shown.layers} == {"float32"}
  for weight, trained in zip(weights, network.weights, strict=True):
    np.testing.assert_array_equal(weight, trained.numpy())
